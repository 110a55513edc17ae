import {
  type BoxConnection,
  type BoxMetrics,
  type ExecutionSpec,
  type ExecutionState,
  type ExecutionStatus,
  type ExecutionView,
  type ExtractOptions,
  type FileInfo,
  HostError,
  type LogEntry,
  type LogFilter,
  type OutputChunk,
  type OutputStream,
  type WriteFileOptions,
} from '../contract/index.ts';
import { BoxExecutions } from '../executions/box-executions.ts';
import { ExecutionCalls } from '../executions/execution-calls.ts';
import { FileCalls } from '../files/file-calls.ts';
import { BoxLogs } from '../logs/box-logs.ts';
import type { Spool } from '../spool/spool.ts';
import { BoxSession } from './box-session.ts';
import { forward } from './forward.ts';
import type { GuestBox, GuestBoxListener, GuestConfiguration, Heritage } from './guest-box.ts';
import type { GuestLink } from './guest-link.ts';
import { ask } from './request.ts';
import type { SocketOwner } from './socket-listener.ts';

export interface GuestBoxOptions {
  readonly boxId: string;
  /** `host.sock` in the link folder of the box; not used before `listen()`. */
  readonly socketPath: string;
  readonly spool: Spool;
  /** Who may dial: the outer user of the box's root. This process's user when left out. */
  readonly socketOwner?: SocketOwner;
  readonly listener?: GuestBoxListener;
}

const drainMs = 1_000;

/** Opens the host's side of one box. Binds nothing before `listen()`. */
export const openGuestBox = (options: GuestBoxOptions): GuestBox => new LinkedBox(options);

class LinkedBox implements GuestBox {
  readonly #options: GuestBoxOptions;
  readonly #executions: BoxExecutions;
  readonly #calls: ExecutionCalls;
  readonly #logs: BoxLogs;
  readonly #files: FileCalls;
  #ready = awaited();
  #session: BoxSession | undefined;
  #ending: Promise<void> | undefined;
  #breached = false;
  #closed = false;
  #parked = false;

  constructor(options: GuestBoxOptions) {
    this.#options = options;
    const { boxId, spool, listener } = options;
    this.#executions = new BoxExecutions({
      boxId,
      spool,
      onCompleted: (executionId) => listener?.onExecutionCompleted?.(executionId),
      onStalled: (record, reason) =>
        this.#warn(`output of execution ${record.executionId} waits: ${reason}`, record.executionId),
      onFailed: (error) => this.#failed(error),
    });
    this.#calls = new ExecutionCalls(boxId, spool, this.#executions, async (executionId, signal, processGroup) => {
      await ask(this.#link(), { case: 'signal', value: { executionId, signal, processGroup } });
    });
    this.#logs = new BoxLogs(boxId, spool, this.#executions);
    this.#files = new FileCalls(() => this.#link(), this.#logs);
  }

  get boxId(): string {
    return this.#options.boxId;
  }

  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  get configured(): boolean {
    return this.#options.spool.links.boot(this.boxId).configured;
  }

  get listening(): boolean {
    return this.#session !== undefined && !this.#parked;
  }

  get connected(): boolean {
    return this.#session?.link.connected === true;
  }

  async listen(): Promise<void> {
    await this.#ending;
    if (this.#parked && this.#session !== undefined && this.#ending === undefined) {
      this.#parked = false;
      this.#executions.connect(this.#session.link);
      await this.#session.listen();
      return;
    }
    if (this.#session !== undefined || this.#closed) {
      throw new HostError('internal', 'the box listens already, or is closed');
    }
    if (this.#ending !== undefined) {
      this.#ending = undefined;
      this.#breached = false;
      this.#ready = awaited();
    }
    this.#parked = false;
    const { boxId, socketPath, socketOwner, spool } = this.#options;
    const session = new BoxSession({
      boxId,
      socketPath,
      socketOwner,
      spool,
      reattach: (status, streamId) => this.#executions.reattach(status.executionId, streamId),
      onBreach: (detail) => this.#breach(detail),
      onFailed: (error) => this.#failed(error),
    });
    this.#session = session;
    session.ready.then(this.#ready.resolve, this.#ready.reject);
    this.#executions.connect(session.link);
    await session.listen();
  }

  async park(): Promise<void> {
    this.#parked = true;
    this.#executions.park();
    this.hangUp();
    await Promise.all(this.#executions.live().map((execution) => execution.settle()));
  }

  hangUp(): void {
    this.#session?.stopListening();
    this.#session?.link.disconnect();
  }

  async answer(): Promise<void> {
    if (this.#parked && this.#session !== undefined) {
      return this.listen();
    }
    await this.#session?.listen();
  }

  forgetConfiguration(): void {
    if (this.#session === undefined) {
      this.#options.spool.links.clearConfigured(this.boxId);
    } else {
      this.#session.forgetConfiguration();
    }
  }

  heritage(): Heritage {
    const executions = this.#executions.live().map(({ record }) => {
      const { executionId, origin, command, shellName, user, attachStdin, startedMs } = record;
      const named = { ...(shellName === undefined ? {} : { shellName }), ...(user === undefined ? {} : { user }) };
      return { executionId, origin, command, attachStdin, startedMs, ...named };
    });
    return { epoch: this.#options.spool.links.epoch(this.boxId), executions };
  }

  inherit({ epoch, executions }: Heritage, reason: string): void {
    this.#options.spool.links.raiseEpoch(this.boxId, epoch);
    this.#executions.inherit(executions, reason);
  }

  async configure(configuration: GuestConfiguration): Promise<void> {
    this.#link();
    await this.#session?.configure(configuration);
  }

  async sync(signal?: AbortSignal): Promise<void> {
    await ask(this.#link(), { case: 'sync', value: {} }, { signal });
  }

  async execute(spec: ExecutionSpec): Promise<ExecutionState> {
    return this.#calls.execute(spec);
  }

  async execution(executionId: string, lastLines: number): Promise<ExecutionView> {
    return this.#calls.view(executionId, lastLines);
  }

  waitExecution(
    executionId: string,
    wait: { readonly until: readonly ExecutionStatus[]; readonly timeoutMs: number; readonly lastLines: number },
    signal?: AbortSignal,
  ): Promise<ExecutionView> {
    return this.#calls.wait(executionId, wait, signal);
  }

  async executeAndWait(
    spec: ExecutionSpec,
    wait: { readonly timeoutMs: number; readonly lastLines: number },
    signal?: AbortSignal,
  ): Promise<ExecutionView> {
    this.#calls.execute(spec);
    return this.#calls.wait(spec.executionId, { until: ['completed'], ...wait }, signal);
  }

  output(executionId: string, stream: OutputStream, offset: number, signal?: AbortSignal): AsyncIterable<OutputChunk> {
    return this.#calls.output(executionId, stream, offset, signal);
  }

  kill(executionId: string, options?: { readonly signal?: number; readonly processGroup?: boolean }): Promise<void> {
    return this.#calls.kill(executionId, options);
  }

  async stdin(executionId: string, bytes: Uint8Array, end: boolean, token?: string): Promise<void> {
    if (this.#parked) {
      throw new HostError('boxNotRunning', 'the box is not running');
    }
    return this.#calls.stdin(executionId, bytes, end, token);
  }

  logs(filter: LogFilter): Promise<LogEntry[]> {
    return this.#logs.entries(filter);
  }

  followLogs(filter: LogFilter, signal: AbortSignal): AsyncIterable<LogEntry> {
    return this.#logs.follow(filter, signal);
  }

  readFile(
    path: string,
    options?: { readonly user?: string },
    signal?: AbortSignal,
  ): Promise<{ readonly info: FileInfo; readonly body: AsyncIterable<Uint8Array> }> {
    return this.#files.read(path, options, signal);
  }

  writeFile(
    path: string,
    body: AsyncIterable<Uint8Array>,
    options?: WriteFileOptions,
    signal?: AbortSignal,
  ): Promise<FileInfo> {
    return this.#files.write(path, body, options, signal);
  }

  extract(
    path: string,
    archive: AsyncIterable<Uint8Array>,
    options?: ExtractOptions,
    signal?: AbortSignal,
  ): Promise<void> {
    return this.#files.extract(path, archive, options, signal);
  }

  stat(path: string, options?: { readonly user?: string }): Promise<FileInfo> {
    return this.#files.stat(path, options);
  }

  async connect(port: number, address = '127.0.0.1'): Promise<BoxConnection> {
    return forward(this.#link(), address, port);
  }

  async metrics(): Promise<BoxMetrics> {
    const { metrics } = await ask(this.#link(), { case: 'metrics', value: {} });
    return {
      memoryUsedBytes: Number(metrics?.memoryUsedBytes ?? 0n),
      cpuUsageUs: Number(metrics?.cpuUsageUs ?? 0n),
      processes: metrics?.processes ?? 0,
      diskUsedBytes: Number(metrics?.diskUsedBytes ?? 0n),
    };
  }

  appendLog(entry: Omit<LogEntry, 'timestampMs'> & { readonly timestampMs?: number }): void {
    this.#logs.append(entry);
  }

  boxEnded(reason: string): Promise<void> {
    this.#ending ??= this.#end(reason);
    return this.#ending;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#ending ??= Promise.resolve();
    const error = new HostError('hostUnavailable', 'the host is closing');
    this.#executions.close();
    this.#session?.end(error);
    this.#session = undefined;
    this.#ready.reject(error);
  }

  /** @throws HostError `boxNotRunning` */
  #link(): GuestLink {
    if (this.#session === undefined || this.#parked) {
      throw new HostError('boxNotRunning', 'the box is not running');
    }
    return this.#session.link;
  }

  async #end(reason: string): Promise<void> {
    const session = this.#session;
    session?.stopListening();
    await session?.link.whenDown(drainMs);
    await Promise.all(this.#executions.live().map((execution) => execution.settle()));
    this.#executions.loseAll(reason);
    const error = new HostError('boxNotRunning', reason);
    session?.end(error);
    this.#session = undefined;
    this.#ready.reject(error);
  }

  #breach(detail: string): void {
    this.#warn(`the guest broke the link protocol: ${detail}`);
    if (!this.#breached) {
      this.#breached = true;
      this.#options.listener?.onBreach?.(detail);
    }
  }

  #failed(error: unknown): void {
    this.#options.listener?.onFailure?.(error);
  }

  #warn(message: string, executionId?: string): void {
    const entry = { level: 'warn', source: 'kmsg', message } as const;
    this.#logs.append(executionId === undefined ? entry : { ...entry, executionId });
  }
}

/** A promise that may be rejected with nobody waiting. */
function awaited(): PromiseWithResolvers<void> {
  const resolvers = Promise.withResolvers<void>();
  resolvers.promise.catch(() => undefined);
  return resolvers;
}
