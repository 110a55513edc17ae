import type { BoxMetrics, BoxUser, Host, LogEntry } from '../contract/index.ts';
import type { InheritedExecution } from '../spool/execution-record.ts';

/** What a box is told about itself once after its start (API of the guest: `Configure`). */
export interface GuestConfiguration {
  readonly hostname: string;
  /** Base of every process's environment, secrets included: kept in the guest only, never on the host's disk. */
  readonly environment: Readonly<Record<string, string>>;
  readonly user: BoxUser;
  readonly nameservers: readonly string[];
  readonly hosts: ReadonlyArray<{ readonly address: string; readonly names: readonly string[] }>;
  readonly memoryBytes: number;
  /** Content of /etc/machine-id: another one for each box, the same for all of its life. */
  readonly machineId: string;
  /** Nobody waits for the box yet: its guest gets ready for the first command. */
  readonly prepare?: boolean;
}

/** What a guest knows from the box whose memory it was taken of. */
export interface Heritage {
  /** Lives of the host whose streams it may hold. */
  readonly epoch: number;
  /** Executions that had no end. */
  readonly executions: readonly InheritedExecution[];
}

/** Methods of {@link Host} that concern one box, without the leading `boxId`. */
type WithoutBoxId<T> = T extends (boxId: string, ...rest: infer Rest) => infer Result
  ? (...rest: Rest) => Result
  : never;

type BoxCalls = {
  readonly [Name in
    | 'execution'
    | 'waitExecution'
    | 'execute'
    | 'executeAndWait'
    | 'output'
    | 'kill'
    | 'stdin'
    | 'logs'
    | 'followLogs'
    | 'readFile'
    | 'writeFile'
    | 'extract'
    | 'stat']: WithoutBoxId<Host[Name]>;
};

/**
 * The host's side of one box: its guest link and everything that travels over it. Made by `openGuestBox`; making one binds nothing, so the
 * records of a box that is gone (executions, output, logs) are read through a GuestBox that never listens.
 *
 * Life: `openGuestBox` → `listen()` (before the box starts, or after a restart of the host) → `configure()` (only at the box's first start) →
 * `ready` → calls → `boxEnded()` when the box has no process left → `close()`, or `listen()` again before the box is started anew.
 *
 * Calls that need the guest wait while the link is down, and reject with `boxNotRunning` after `boxEnded()`.
 */
export interface GuestBox extends BoxCalls {
  readonly boxId: string;

  /** Binds `host.sock` (replacing a stale file) and takes up what earlier lives of the host left unfinished. Once, and once more after each `boxEnded`. */
  listen(): Promise<void>;

  /** Tells the guest who it is; resolves when it has applied it. After this, `ready` resolves. Remembered as done for this guest's boot. */
  configure(configuration: GuestConfiguration): Promise<void>;

  /**
   * The box sleeps with its memory: nobody can dial, calls that need the guest reject with `boxNotRunning`, executions keep their state and
   * those who wait for them wait on. Ended by `listen()`, after which the same guest goes on, or by `boxEnded()`. Idempotent.
   */
  park(): Promise<void>;

  /**
   * Ends the connection and takes none until `answer()`: a guest whose memory is taken must not hold one, of which it would not notice that it is gone. What
   * travels over the link waits.
   */
  hangUp(): void;

  /** The guest may dial again after `hangUp()`. */
  answer(): Promise<void>;

  /** The guest that dials next has to be configured before anything else is asked of it, though it may have been before. */
  forgetConfiguration(): void;

  /** What the memory of the box brings along into another one. */
  heritage(): Heritage;

  /** Before the first `listen()`: the guest comes with the memory of another box. Executions it runs for that one have ended here, as lost with this reason. */
  inherit(heritage: Heritage, reason: string): void;

  /** Writes what the box has written back to its disk. */
  sync(signal?: AbortSignal): Promise<void>;

  /** The guest was configured in this or an earlier life of the host: no `configure()` is needed after a restart. */
  readonly configured: boolean;

  /** Resolves when the guest is connected and configured for the first time since the last `listen()`. Rejects with `boxNotRunning` when the box ends before. */
  readonly ready: Promise<void>;

  /** A guest may dial. */
  readonly listening: boolean;

  /** A guest is connected at this moment. */
  readonly connected: boolean;

  /** Live figures as the guest reports them; `diskUsedBytes` is that of the box's root file system. */
  metrics(): Promise<BoxMetrics>;

  /** TCP to a port inside the box (address 127.0.0.1 by default). */
  connect(port: number, address?: string): ReturnType<Host['connect']>;

  /** Adds a line to the box's log that no execution wrote (setup, files, kernel). Durable when it returns. */
  appendLog(entry: Omit<LogEntry, 'timestampMs'> & { readonly timestampMs?: number }): void;

  /**
   * The box has no process left. What the link still holds is read to its end (bounded), then every unfinished execution is recorded as
   * `lost` with this reason; later calls that need the guest reject with `boxNotRunning`. Idempotent.
   */
  boxEnded(reason: string): Promise<void>;

  /** Closes sockets and files of this object; the box and its records stay. Idempotent. */
  close(): Promise<void>;
}

/** Calls back what a box does by itself. None may throw. */
export interface GuestBoxListener {
  /** Five protocol breaches within a minute: the box is to be failed with cause `protocol_breach`. Called once. */
  onBreach?(detail: string): void;
  /** An execution has its end recorded. */
  onExecutionCompleted?(executionId: string): void;
  /** Something failed on the host's side (its disk, its database); it is tried again. For the host's own log. */
  onFailure?(error: unknown): void;
}
