import { z } from 'zod';
import { page } from './pagination.ts';
import { storableText } from './text.ts';

/** Letters, digits, underscores and hyphens (API §18). */
export const secretName = z
  .string()
  .min(1)
  .max(256)
  .regex(/^[A-Za-z0-9_-]+$/, 'may hold letters, digits, underscores and hyphens');

/** Boxes get it as an environment variable, so it must be one that a process can have. */
const secretValue = storableText(65_536);

export const secretView = z.object({
  id: z.string(),
  name: z.string(),
  create_time_ms: z.int(),
  update_time_ms: z.int(),
});
export type SecretView = z.output<typeof secretView>;

export const secretListView = page('secrets', secretView);
export type SecretListView = z.output<typeof secretListView>;

export const secretCreate = z.object({ name: secretName, value: secretValue });
export const secretUpdate = z.object({ value: secretValue });
