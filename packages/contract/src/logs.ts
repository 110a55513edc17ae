import { z } from 'zod';

export const logsQuery = z.object({
  execution_id: z.string().max(128).optional(),
  shell_name: z.string().max(256).optional(),
});

/** One entry of a box's log (API §6). */
export const logEntry = z.object({
  level: z.string(),
  source: z.enum(['setup_commands', 'entrypoint', 'exec', 'files', 'stats', 'kmsg']),
  timestamp_ms: z.int(),
  message: z.string().optional(),
  cmd: z.string().optional(),
  cmd_id: z.string().optional(),
  exit_code: z.int().optional(),
  shell_name: z.string().optional(),
});
export type LogEntryView = z.output<typeof logEntry>;

export const logsView = z.object({ logs: z.array(logEntry) });
