/** Executions as a host keeps them: durable, replayable, never invented. */

/** Who asked for it; becomes the `source` of its log entries (API §6). */
export type ExecutionOrigin = 'exec' | 'setup_commands' | 'entrypoint';

export interface ExecutionSpec {
  /** Idempotency key within the box: the same id is never started twice. */
  readonly executionId: string;
  readonly origin: ExecutionOrigin;
  /** Run by a fresh login bash in the user's home, or by the named shell. */
  readonly command: string;
  readonly shellName?: string;
  readonly attachStdin?: boolean;
  /** Account to run as; the box's user when left out. */
  readonly user?: string;
  readonly environment?: Readonly<Record<string, string>>;
}

export type ExecutionStatus = 'queued' | 'running' | 'completed';

/** How an execution ended. `lost` has a reason and no exit code. */
export type ExecutionEnd =
  | { readonly kind: 'exited'; readonly code: number }
  | { readonly kind: 'killed'; readonly signal: number; readonly by: 'host' | 'box' | 'out_of_memory' }
  | { readonly kind: 'lost'; readonly reason: string };

export interface ExecutionState {
  readonly executionId: string;
  readonly status: ExecutionStatus;
  readonly shellName?: string;
  readonly startedMs: number;
  readonly endedMs?: number;
  readonly end?: ExecutionEnd;
  /** Bytes spooled so far. */
  readonly stdoutBytes: number;
  readonly stderrBytes: number;
}

/** Last lines of one output. */
export interface OutputTail {
  readonly text: string;
  /** Earlier lines exist that `text` leaves out. */
  readonly truncated: boolean;
}

export interface ExecutionView extends ExecutionState {
  readonly stdout: OutputTail;
  readonly stderr: OutputTail;
}

export type OutputStream = 'stdout' | 'stderr';

/** One chunk of a followed output. Chunks never split a UTF-8 sequence unless the bytes are not UTF-8 at all. */
export interface OutputChunk {
  readonly bytes: Uint8Array;
  /** Byte position after this chunk: the cursor to resume from. */
  readonly offset: number;
}

/** One entry of the box's log (API §6), in order of time. */
export interface LogEntry {
  readonly timestampMs: number;
  readonly level: 'info' | 'warn' | 'error';
  readonly source: 'setup_commands' | 'entrypoint' | 'exec' | 'files' | 'stats' | 'kmsg';
  readonly message?: string;
  readonly command?: string;
  readonly executionId?: string;
  readonly exitCode?: number;
  readonly shellName?: string;
}

export interface LogFilter {
  readonly executionId?: string;
  readonly shellName?: string;
  /** Upper bound of entries; the newest are kept. */
  readonly limit?: number;
}
