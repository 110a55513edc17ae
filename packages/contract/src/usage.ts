import { z } from 'zod';

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
});
export type UsageView = z.output<typeof usageView>;

/** Notice that a box will be evicted. This version never evicts. */
export const evictionEvent = z.object({ devbox_id: z.string(), eviction_deadline_ms: z.int() });
