import { z } from 'zod';
import { queryInteger } from './pagination.ts';
import { storableText } from './text.ts';

export const executionStatuses = ['queued', 'running', 'completed'] as const;
export const executionStatus = z.enum(executionStatuses);

/** Longest hold of an execution's waits (API §4.1). */
export const executionWaitSeconds = 25;
const defaultLastLines = 100;
const maximumLastLines = 9_999;

/** `?last_n=`: lines of each output in the answer. */
export const lastLinesQuery = z.object({ last_n: queryInteger(0, maximumLastLines).default(defaultLastLines) });

/** Commands may carry payloads of some megabytes (API §4.2). */
const command = storableText(8 * 1024 * 1024).min(1);
const shellName = storableText(256).min(1);

/** Ids that the platform itself gives to a box's set-up steps, main process and suspend commands, with the number of the start or suspension. */
export const reservedExecutionId = /^(setup-\d+(-\d+)?|entrypoint(-\d+)?|suspend-\d+-\d+|mount-\d+-\d+)$/;

/** An execution id as clients make them: UUIDv7 from the official ones. */
export const executionId = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9_.:-]{0,127}$/, 'may hold up to 128 letters, digits and _.:-');

export const executeBody = z.object({
  command,
  command_id: executionId.refine((id) => !reservedExecutionId.test(id), 'is reserved').optional(),
  optimistic_timeout: z.number().min(0).default(executionWaitSeconds),
  shell_name: shellName.optional(),
});

export const executeAsyncBody = z.object({
  command,
  shell_name: shellName.optional(),
  attach_stdin: z.boolean().default(false),
});

export const executeSyncBody = z.object({
  command,
  shell_name: shellName.optional(),
  attach_stdin: z.literal(false, 'is not available for execute_sync').optional(),
});

/** Berth's own: how a completed execution ended. Nothing here is ever invented. */
export const executionEnd = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('exited'), code: z.int() }),
  z.object({ kind: z.literal('killed'), signal: z.int(), by: z.enum(['host', 'box', 'out_of_memory']) }),
  z.object({ kind: z.literal('lost'), reason: z.string() }),
]);

/**
 * An execution (API §4.1). `exit_status` is the code, or 128 + signal when it was killed. Nobody knows the code of one that was lost with its
 * box: it is completed with `exit_status` null, and `end` says why.
 */
export const executionView = z.object({
  devbox_id: z.string(),
  execution_id: z.string(),
  status: executionStatus,
  exit_status: z.int().nullable(),
  shell_name: z.string().nullable(),
  stdout: z.string(),
  stderr: z.string(),
  stdout_truncated: z.boolean(),
  stderr_truncated: z.boolean(),
  end: executionEnd.optional(),
});
export type ExecutionView = z.output<typeof executionView>;

/** Answer of `execute_sync` and of the calls that write files. */
export const executionDetailView = z.object({
  devbox_id: z.string(),
  exit_status: z.int(),
  stdout: z.string(),
  stderr: z.string(),
  shell_name: z.string().nullable(),
});
export type ExecutionDetailView = z.output<typeof executionDetailView>;

export const executionWait = z.object({
  statuses: z.array(executionStatus).min(1).max(100),
  timeout_seconds: z.number().min(0).default(executionWaitSeconds),
});

export const executionKill = z.object({ kill_process_group: z.boolean().default(false) });

export const stdinBody = z
  .object({ text: z.string().min(1).optional(), signal: z.enum(['EOF', 'INTERRUPT']).optional() })
  .refine((body) => body.text !== undefined || body.signal !== undefined, 'text or signal is needed');

export const stdinResult = z.object({ devbox_id: z.string(), execution_id: z.string(), success: z.boolean() });

/** Cursor of an output stream: bytes to skip. */
export const outputQuery = z.object({ offset: queryInteger(0, 999_999_999_999_999).default(0) });

/** One piece of output; `offset` is the position after it, from which a reconnect goes on. */
export const outputChunk = z.object({ output: z.string(), offset: z.int() });
