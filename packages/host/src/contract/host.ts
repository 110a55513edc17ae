import type { BoxMetrics, BoxSpec, BoxState, Isolation, PoolFigures, SnapshotState, SnapshotWish } from './box.ts';
import type { BuildFigures, ImageBuilder } from './builds.ts';
import type { HostEvent } from './event.ts';
import type {
  ExecutionSpec,
  ExecutionState,
  ExecutionStatus,
  ExecutionView,
  LogEntry,
  LogFilter,
  OutputChunk,
  OutputStream,
} from './execution.ts';

/** What this machine can do, and why not where it cannot. */
export interface HostDescription {
  readonly isolations: ReadonlyArray<{
    readonly isolation: Isolation;
    readonly usable: boolean;
    readonly reason?: string;
    /** Whether processes can be kept (`memory` of suspend, snapshot and create); left out where the grade has no means to. */
    readonly memory?: { readonly usable: boolean; readonly reason?: string };
  }>;
  readonly cpus: number;
  readonly memoryBytes: number;
  readonly diskFreeBytes: number;
  /** Counters that must read 0 when no box exists: rootfs, processes, cgroups, subvolumes, veths, links, fds above the base. */
  readonly leaks: Readonly<Record<string, number>>;
  /** Left out where no pool is kept. */
  readonly pool?: PoolFigures;
  readonly builds: BuildFigures;
  /** Tells default images apart; left out where there is none. */
  readonly defaultImage?: string;
}

export interface FileInfo {
  readonly path: string;
  readonly kind: 'file' | 'directory' | 'symlink' | 'other';
  readonly sizeBytes: number;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly modifiedMs: number;
}

export interface WriteFileOptions {
  /** Account whose rights apply and who owns the file; the box's user when left out. */
  readonly user?: string;
  readonly mode?: number;
  readonly makeParents?: boolean;
  /** File name used when the path is a directory or ends in '/'. */
  readonly nameInDirectory?: string;
  /** Where the user may not write, root does; what is new there belongs to the user. */
  readonly place?: boolean;
}

export interface ExtractOptions {
  /** Account whose rights apply and who owns what is extracted; the box's user when left out. */
  readonly user?: string;
  /** The archive is compressed. */
  readonly gzip?: boolean;
  /** A directory that the user may not make is made for that one by root; into one that is there and not the user's, root extracts. */
  readonly place?: boolean;
}

/** Duplex byte stream into the box. Closing it, or aborting its signal, ends the connection there. */
export interface BoxConnection {
  /** Each piece is lent: valid until the next one is asked for. */
  readonly readable: AsyncIterable<Uint8Array>;
  /** Resolves when the bytes are taken over; waits under back-pressure. The bytes are the caller's again then. */
  write(bytes: Uint8Array): Promise<void>;
  end(): Promise<void>;
  destroy(): void;
}

/**
 * One place where boxes run. Every call is safe to repeat after a crash of either side; each is idempotent by box id, and executions by
 * execution id. All methods reject with a {@link HostError}. Strings and bytes from inside a box are hostile data.
 */
export interface Host extends ImageBuilder {
  describe(): Promise<HostDescription>;

  /**
   * Starts the box, or returns the state of the one with this id. Resolves when it answers (`running`) or has failed (`stopped`).
   * @throws HostError `isolationUnavailable`, `imageUnavailable` (a layer or snapshot is missing), `memoryUnsupported` (the snapshot has no memory, or
   * not for this grade), `checkpointUnusable`, `boxNotRunning` (that of `networkOf`), `networkUnshareable` (by these grades); there is no box then
   */
  create(spec: BoxSpec): Promise<BoxState>;
  /** Ends the box and frees all but its spool. Succeeds from every state, twice, and for ids never seen. */
  destroy(boxId: string): Promise<void>;
  /**
   * Ends the processes of a running box and keeps its disk; with `memory` (`gvisor` only) they are kept as an image and go on at `resume`. Resolves when
   * `suspended`: with `memory` its processes stand still for ever then, and are gone a moment later. One that is suspended already is left as it is. A box whose memory could not be kept runs on. Executions in flight end as lost
   * without `memory`, and go on with it. @throws HostError `boxNotRunning`, `memoryUnsupported`, `noSpace`
   */
  suspend(boxId: string, options: { readonly memory: boolean }): Promise<BoxState>;
  /**
   * Starts a suspended box again, from its memory if it has one and `memory` is set, else from its disk. The spec is that of the create (same id,
   * grade, image and size are the box's own and not read again; environment, host name and user are). Resolves with what is: `running`, or when it failed
   * `suspended` as before, with `cause` and `detail`, and nothing is lost. A box that runs is left as it is. @throws HostError `boxNotFound`, `boxNotSuspended`, `checkpointUnusable`
   */
  resume(spec: BoxSpec, options: { readonly memory: boolean }): Promise<BoxState>;
  /**
   * Keeps the state of a running, suspended or stopped box under this id; the box goes on. The same id again answers with the snapshot that is there.
   * With `memory` the processes are kept too (`gvisor`, running boxes). @throws HostError `boxNotFound`, `boxNotRunning`, `memoryUnsupported`, `noSpace`
   */
  snapshot(boxId: string, snapshotId: string, wish: SnapshotWish): Promise<SnapshotState>;
  /** Forgets a snapshot. Its layers go when no other snapshot and no box stands on them. Succeeds twice, and for ids never seen. */
  deleteSnapshot(snapshotId: string): Promise<void>;
  snapshots(): Promise<SnapshotState[]>;
  /** Deletes the spool (executions, output, log) of a destroyed box. */
  forget(boxId: string): Promise<void>;
  inspect(boxId: string): Promise<BoxState | undefined>;
  list(): Promise<BoxState[]>;
  /** Events from now on, until the signal is aborted or the host is lost (then it throws `hostUnavailable`). */
  events(signal: AbortSignal): AsyncIterable<HostEvent>;
  metrics(boxId: string): Promise<BoxMetrics>;

  /** Starts the execution, or returns the one with this id. Resolves once it is durable. */
  execute(boxId: string, spec: ExecutionSpec): Promise<ExecutionState>;
  /** The present view with the last `lastLines` lines of each output. Works after the box is gone, until `forget`. */
  execution(boxId: string, executionId: string, lastLines: number): Promise<ExecutionView>;
  /** Resolves when the status is one of `until`, or after `timeoutMs` with what is. */
  waitExecution(
    boxId: string,
    executionId: string,
    wait: { readonly until: readonly ExecutionStatus[]; readonly timeoutMs: number; readonly lastLines: number },
    signal?: AbortSignal,
  ): Promise<ExecutionView>;
  /** `execute` then `waitExecution` for completion in one round trip. */
  executeAndWait(
    boxId: string,
    spec: ExecutionSpec,
    wait: { readonly timeoutMs: number; readonly lastLines: number },
    signal?: AbortSignal,
  ): Promise<ExecutionView>;
  /** Bytes from `offset` on; follows a running execution, ends when it is completed and all was sent. */
  output(
    boxId: string,
    executionId: string,
    stream: OutputStream,
    offset: number,
    signal?: AbortSignal,
  ): AsyncIterable<OutputChunk>;
  /** Ends a queued or running execution (SIGKILL unless another signal is named). A completed one is left as it is. */
  kill(
    boxId: string,
    executionId: string,
    options?: { readonly signal?: number; readonly processGroup?: boolean },
  ): Promise<void>;
  /**
   * Appends to the stdin of an execution started with `attachStdin`; `end` closes it. Resolves when the process's side has taken the bytes. A write with
   * the token of an earlier one resolves like that one and writes nothing, as long as the host has not been restarted between.
   */
  stdin(boxId: string, executionId: string, bytes: Uint8Array, end: boolean, token?: string): Promise<void>;
  logs(boxId: string, filter: LogFilter): Promise<LogEntry[]>;
  followLogs(boxId: string, filter: LogFilter, signal: AbortSignal): AsyncIterable<LogEntry>;

  /** Each piece of the body is lent: valid until the next one is asked for. */
  readFile(
    boxId: string,
    path: string,
    options?: { readonly user?: string },
    signal?: AbortSignal,
  ): Promise<{ readonly info: FileInfo; readonly body: AsyncIterable<Uint8Array> }>;
  /**
   * The file appears whole, or not at all when `body` throws or the signal is aborted. A piece of the body is not needed any more when the next one
   * is asked for.
   */
  writeFile(
    boxId: string,
    path: string,
    body: AsyncIterable<Uint8Array>,
    options?: WriteFileOptions,
    signal?: AbortSignal,
  ): Promise<FileInfo>;
  /**
   * Extracts a tar archive into a directory, which is made when missing. It happens inside the box: no entry gets out of the directory, device nodes
   * are left out. What breaks off leaves what was extracted so far. @throws HostError `invalidPath` for an archive that is damaged or leads
   * outside, `tooLarge` for one of more than a million entries, `noSpace`
   */
  extract(
    boxId: string,
    path: string,
    archive: AsyncIterable<Uint8Array>,
    options?: ExtractOptions,
    signal?: AbortSignal,
  ): Promise<void>;
  stat(boxId: string, path: string, options?: { readonly user?: string }): Promise<FileInfo>;
  /** TCP to a port inside the box. */
  connect(boxId: string, port: number, address?: string): Promise<BoxConnection>;

  /** Ends this client or host object; boxes go on. */
  close(): Promise<void>;
}
