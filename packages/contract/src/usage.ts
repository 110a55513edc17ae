import { z } from 'zod';

/** What a running box uses at this moment, as the host counts it from outside. Berth's own. */
const presentUse = z.object({
  processes: z.int(),
  memory_used_bytes: z.int(),
  memory_limit_bytes: z.int(),
  disk_used_bytes: z.int(),
  disk_limit_bytes: z.int(),
});
export type PresentUse = z.output<typeof presentUse>;

/** What a box has used so far (API §6). */
export const usageView = z.object({
  id: z.string(),
  status: z.string(),
  start_time_ms: z.int(),
  end_time_ms: z.int().nullable(),
  total_elapsed_seconds: z.number(),
  total_active_seconds: z.number(),
  vcpu_seconds: z.number(),
  memory_gb_seconds: z.number(),
  disk_gb_seconds: z.number(),
  /** Null unless it runs and its host answers. */
  now: presentUse.nullable(),
});
export type UsageView = z.output<typeof usageView>;

/** Notice that a box will be evicted. */
export const evictionEvent = z.object({ devbox_id: z.string(), eviction_deadline_ms: z.int() });
