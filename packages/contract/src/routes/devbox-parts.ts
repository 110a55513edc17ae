import { z } from 'zod';

/** Parts that the routes below `/v1/devboxes/{id}` share. */
export const readDevboxes = { resource: 'DEVBOXES', level: 'READ' } as const;
export const writeDevboxes = { resource: 'DEVBOXES', level: 'WRITE' } as const;

export const byDevbox = {
  params: z.object({ id: z.string() }),
  ids: { id: 'devbox' },
} as const;

export const byExecution = {
  params: z.object({ id: z.string(), execution_id: z.string().max(256) }),
  ids: { id: 'devbox' },
} as const;

/** Answer of calls that have nothing to say: clients insist on a body (API §1.4). */
export const emptyObject = z.object({});
