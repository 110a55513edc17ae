import { z } from 'zod';

export const apiKeyCreate = z.object({
  name: z.string().max(256).optional(),
  /** Unix milliseconds; never when left out. */
  expires_at_ms: z.int().positive().optional(),
});

export const apiKeyCreated = z.object({
  id: z.string(),
  name: z.string().optional(),
  /** Shown this once, never again. */
  key_secret: z.string(),
  expires_at_ms: z.int().nullable(),
});
export type ApiKeyCreated = z.output<typeof apiKeyCreated>;
