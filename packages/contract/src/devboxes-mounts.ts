import { z } from 'zod';

/** Longest path that Linux takes. */
export const filePath = z
  .string()
  .min(1)
  .max(4_096)
  .refine((path) => !path.includes('\0'), 'must not contain NUL');

const fileMount = z.object({ type: z.literal('file_mount'), target: filePath, content: z.string() });

/** Mounts that later versions place; known by name so that the refusal can say what is missing (API §11). */
const otherMount = z.looseObject({
  type: z.enum(['object_mount', 'agent_mount', 'code_mount', 'broker_mount']),
});

/** Something to place in the box before it runs (API §11). */
export const mount = z.union([fileMount, otherMount]);
export type Mount = z.output<typeof mount>;
