import { z } from 'zod';

/** Longest path that Linux takes. */
export const filePath = z
  .string()
  .min(1)
  .max(4_096)
  .refine((path) => !path.includes('\0'), 'must not contain NUL');

/** A text file, whole in the request; missing directories are made. */
const fileMount = z.object({ type: z.literal('file_mount'), target: filePath, content: z.string() });

/** An object as a file, or extracted as a directory when it is an archive. */
const objectMount = z.object({
  type: z.literal('object_mount'),
  object_id: z.string().max(200),
  object_path: filePath,
});

// Mounts that later versions place, known by name so that the refusal can say what is missing.
const agentMount = z.looseObject({ type: z.literal('agent_mount') });
const codeMount = z.looseObject({ type: z.literal('code_mount') });
const brokerMount = z.looseObject({ type: z.literal('broker_mount') });

/** Something to place in the box before it runs (API §11). */
export const mount = z.discriminatedUnion('type', [fileMount, objectMount, agentMount, codeMount, brokerMount]);
export type Mount = z.output<typeof mount>;
