import { setTimeout as delay } from 'node:timers/promises';
import type {
  BoxConnection,
  BoxMetrics,
  BoxSpec,
  BoxState,
  BuildState,
  ExecutionSpec,
  ExecutionState,
  ExecutionStatus,
  ExecutionView,
  ExtractOptions,
  FileInfo,
  Host,
  HostDescription,
  HostErrorCode,
  HostEvent,
  Isolation,
  LogEntry,
  LogFilter,
  OutputChunk,
  OutputStream,
  SnapshotState,
  StopCause,
  WriteFileOptions,
} from '../contract/index.ts';
import { HostError } from '../contract/index.ts';
import { EventHub } from '../events/event-hub.ts';
import { readFakeArchive } from './fake-archive.ts';
import { FakeBox } from './fake-box.ts';
import { FakeBuilder } from './fake-builder.ts';
import { type FakePort, fakeConnection } from './fake-connection.ts';
import { endSidecars, forgetSidecars, requireShareable } from './fake-sidecars.ts';
import { FAKE_MEMORY_BYTES, FakeSnapshots } from './fake-snapshots.ts';
import { type FakeCommandHandler, interpret } from './interpreter.ts';

export type { FakePort } from './fake-connection.ts';
export type { FakeCommandContext, FakeCommandHandler } from './interpreter.ts';
export { interpret } from './interpreter.ts';

export interface FakeHostOptions {
  /** Runs commands; default: a tiny deterministic shell ({@link interpret}). */
  readonly handler?: FakeCommandHandler;
  /** Grades that it has; `container` when left out. Boxes of `gvisor` keep their memory when asked to. */
  readonly isolations?: readonly Isolation[];
  /** How long a box takes to start. */
  readonly startMs?: number;
  /** How long a build runs. */
  readonly buildMs?: number;
}

/** Strongest first. */
const grades: readonly Isolation[] = ['microvm', 'gvisor', 'container'];

/** A {@link Host} in memory, for tests of the control plane and simulations, with failures on demand. */
export class FakeHost extends FakeBuilder implements Host {
  readonly #options: FakeHostOptions;
  readonly #hub = new EventHub();
  readonly #boxes = new Map<string, FakeBox>();
  readonly #creating = new Map<string, Promise<BoxState>>();
  readonly #resuming = new Map<string, Promise<BoxState>>();
  readonly #snapshots = new FakeSnapshots();
  readonly #ports = new Map<string, FakePort>();
  readonly #createFailures: StopCause[] = [];
  readonly #resumeFailures: StopCause[] = [];
  readonly #callFailures: HostErrorCode[] = [];
  #unreachable = false;

  constructor(options: FakeHostOptions = {}) {
    super();
    this.#options = options;
  }

  /** The next box that is created stops with this cause instead of running. */
  failNextCreate(cause: StopCause): void {
    this.#createFailures.push(cause);
  }

  /** The next box that is resumed is suspended again, with this cause. */
  failNextResume(cause: StopCause): void {
    this.#resumeFailures.push(cause);
  }

  /** The next call of any method fails with this code and does nothing. */
  failNextCall(code: HostErrorCode): void {
    this.#callFailures.push(code);
  }

  /** The box dies by itself. */
  loseBox(boxId: string, cause: StopCause = 'guest_exited', detail = 'lost by the test'): void {
    endSidecars(this.#boxes, boxId, 'stopped');
    this.#box(boxId).stop('stopped', cause, detail);
  }

  /** While true every call fails as if the host were gone; its boxes go on. Ends the event streams. */
  setUnreachable(unreachable: boolean): void {
    this.#unreachable = unreachable;
    if (unreachable) {
      this.#hub.interrupt(new HostError('hostUnavailable', 'the host is unreachable'));
    }
  }

  /** Event streams end as after a lost connection; calls go on. */
  dropConnection(): void {
    this.#hub.interrupt(new HostError('hostUnavailable', 'connection lost'));
  }

  /** Lets a peer listen on a port of a box. */
  listen(boxId: string, port: number, peer: FakePort): void {
    this.#ports.set(`${this.#networkOf(boxId)}:${port}`, peer);
  }

  async describe(): Promise<HostDescription> {
    this.enter();
    const alive = [...this.#boxes.values()].filter((box) => box.state.phase !== 'destroyed').length;
    return {
      isolations: grades
        .toReversed()
        .map((isolation) =>
          this.#isolations.includes(isolation)
            ? { isolation, usable: true }
            : { isolation, usable: false, reason: 'not built into the fake host' },
        ),
      cpus: 64,
      memoryBytes: 256 * 2 ** 30,
      diskFreeBytes: 2 ** 40,
      leaks: { boxes: alive },
      builds: this.buildFigures,
    };
  }

  async create(spec: BoxSpec): Promise<BoxState> {
    this.enter();
    const pending = this.#creating.get(spec.id);
    const existing = this.#boxes.get(spec.id);
    if (pending) {
      return pending;
    }
    if (existing) {
      return existing.state;
    }
    const started = this.#start(spec, this.#newBox(spec)).finally(() => this.#creating.delete(spec.id));
    this.#creating.set(spec.id, started);
    return started;
  }

  async destroy(boxId: string): Promise<void> {
    this.enter();
    const box = this.#boxes.get(boxId);
    if (box && box.state.phase !== 'destroyed') {
      endSidecars(this.#boxes, boxId, 'destroyed');
      box.stop('destroyed', box.state.cause ?? 'destroyed', box.state.detail ?? 'the box was destroyed');
    }
  }

  async suspend(boxId: string, { memory }: { readonly memory: boolean }): Promise<BoxState> {
    const box = this.#box(boxId);
    if (box.state.phase === 'suspended') {
      return box.state;
    }
    box.requireRunning();
    if (memory && box.state.isolation !== 'gvisor') {
      throw new HostError('memoryUnsupported', `boxes of the grade ${box.state.isolation} cannot keep their memory`);
    }
    endSidecars(this.#boxes, boxId, 'suspended');
    box.suspend(memory);
    return box.state;
  }

  async resume(spec: BoxSpec, { memory }: { readonly memory: boolean }): Promise<BoxState> {
    const box = this.#box(spec.id);
    const { phase } = box.state;
    if (phase === 'running' || phase === 'starting') {
      return this.#resuming.get(spec.id) ?? this.#creating.get(spec.id) ?? box.state;
    }
    if (phase !== 'suspended') {
      throw new HostError('boxNotSuspended', `box ${spec.id} is ${phase}`);
    }
    const resumed = this.#resume(box, spec, memory).finally(() => this.#resuming.delete(spec.id));
    this.#resuming.set(spec.id, resumed);
    return resumed;
  }

  async snapshot(boxId: string, snapshotId: string, { memory }: { readonly memory: boolean }): Promise<SnapshotState> {
    this.enter();
    return this.#snapshots.get(snapshotId)?.state ?? this.#snapshots.take(this.#find(boxId), snapshotId, memory);
  }

  async deleteSnapshot(snapshotId: string): Promise<void> {
    this.enter();
    this.#snapshots.delete(snapshotId);
  }

  async snapshots(): Promise<SnapshotState[]> {
    this.enter();
    return this.#snapshots.all();
  }

  async forget(boxId: string): Promise<void> {
    this.enter();
    if (this.#boxes.get(boxId)?.state.phase === 'destroyed') {
      this.#boxes.delete(boxId);
      forgetSidecars(this.#boxes, boxId);
    }
  }

  async inspect(boxId: string): Promise<BoxState | undefined> {
    this.enter();
    return this.#boxes.get(boxId)?.state;
  }

  async list(): Promise<BoxState[]> {
    this.enter();
    return [...this.#boxes.values()].map((box) => box.state);
  }

  events(signal: AbortSignal): AsyncIterable<HostEvent> {
    this.enter();
    return this.#hub.subscribe(signal);
  }

  async metrics(boxId: string): Promise<BoxMetrics> {
    const box = this.#running(boxId);
    const processes = [...box.executions.values()].filter((execution) => execution.status === 'running').length;
    return {
      memoryUsedBytes: FAKE_MEMORY_BYTES,
      cpuUsageUs: 0,
      processes: 1 + processes,
      diskUsedBytes: box.files.usedBytes,
    };
  }

  async execute(boxId: string, spec: ExecutionSpec): Promise<ExecutionState> {
    return this.#box(boxId).execute(spec).state();
  }

  async execution(boxId: string, executionId: string, lastLines: number): Promise<ExecutionView> {
    return this.#box(boxId).execution(executionId).view(lastLines);
  }

  async waitExecution(
    boxId: string,
    executionId: string,
    wait: { readonly until: readonly ExecutionStatus[]; readonly timeoutMs: number; readonly lastLines: number },
    signal?: AbortSignal,
  ): Promise<ExecutionView> {
    const execution = this.#box(boxId).execution(executionId);
    const deadline = performance.now() + wait.timeoutMs;
    while (!wait.until.includes(execution.status) && performance.now() < deadline) {
      if (signal?.aborted) {
        throw new HostError('cancelled', 'the wait was cancelled');
      }
      await execution.changed(Math.max(1, deadline - performance.now()), signal);
    }
    return execution.view(wait.lastLines);
  }

  async executeAndWait(
    boxId: string,
    spec: ExecutionSpec,
    wait: { readonly timeoutMs: number; readonly lastLines: number },
    signal?: AbortSignal,
  ): Promise<ExecutionView> {
    await this.execute(boxId, spec);
    return this.waitExecution(boxId, spec.executionId, { until: ['completed'], ...wait }, signal);
  }

  async *output(
    boxId: string,
    executionId: string,
    stream: OutputStream,
    offset: number,
    signal?: AbortSignal,
  ): AsyncGenerator<OutputChunk> {
    let at = offset;
    for await (const bytes of this.#box(boxId).execution(executionId).output(stream, offset, signal)) {
      at += bytes.length;
      yield { bytes, offset: at };
    }
  }

  async kill(boxId: string, executionId: string, options: { readonly signal?: number } = {}): Promise<void> {
    this.#box(boxId).kill(executionId, options.signal ?? 9);
  }

  async stdin(boxId: string, executionId: string, bytes: Uint8Array, end: boolean, token?: string): Promise<void> {
    this.#box(boxId).execution(executionId).feed(bytes, end, token);
  }

  async logs(boxId: string, filter: LogFilter): Promise<LogEntry[]> {
    return this.#box(boxId).logs(filter);
  }

  followLogs(boxId: string, filter: LogFilter, signal: AbortSignal): AsyncIterable<LogEntry> {
    return this.#box(boxId).followLogs(filter, signal);
  }

  async readFile(
    boxId: string,
    path: string,
    options: { readonly user?: string } = {},
  ): Promise<{ readonly info: FileInfo; readonly body: AsyncIterable<Uint8Array> }> {
    const { info, bytes } = this.#running(boxId).files.read(path, options.user);
    return { info, body: whole(bytes) };
  }

  async writeFile(
    boxId: string,
    path: string,
    body: AsyncIterable<Uint8Array>,
    options: WriteFileOptions = {},
    signal?: AbortSignal,
  ): Promise<FileInfo> {
    const box = this.#running(boxId);
    const chunks: Uint8Array[] = [];
    for await (const bytes of body) {
      if (signal?.aborted) {
        throw new HostError('cancelled', 'the upload was cancelled');
      }
      chunks.push(Uint8Array.from(bytes));
    }
    return box.files.write(path, Buffer.concat(chunks), options);
  }

  async extract(
    boxId: string,
    path: string,
    archive: AsyncIterable<Uint8Array>,
    options: ExtractOptions = {},
  ): Promise<void> {
    const box = this.#running(boxId);
    const chunks: Uint8Array[] = [];
    for await (const bytes of archive) {
      chunks.push(Uint8Array.from(bytes));
    }
    const owner = options.user === undefined ? {} : { user: options.user };
    for (const entry of readFakeArchive(Buffer.concat(chunks), options.gzip === true)) {
      if (entry.bytes !== undefined) {
        const place = options.place === true;
        box.files.write(`${path}/${entry.path}`, entry.bytes, { ...owner, makeParents: true, place });
      }
    }
  }

  async stat(boxId: string, path: string): Promise<FileInfo> {
    return this.#running(boxId).files.stat(path);
  }

  async connect(boxId: string, port: number): Promise<BoxConnection> {
    this.#running(boxId);
    const peer = this.#ports.get(`${this.#networkOf(boxId)}:${port}`);
    if (!peer) {
      throw new HostError('connectRefused', `nothing listens on port ${port}`);
    }
    return fakeConnection(peer);
  }

  async close(): Promise<void> {
    this.#hub.close();
  }

  /** @throws HostError when it cannot be made as it is wished */
  #newBox(spec: BoxSpec): FakeBox {
    const { image } = spec;
    const named = typeof image === 'object' && 'snapshotId' in image ? image : undefined;
    const snapshot = named && this.#snapshots.require(named.snapshotId, named.memory);
    const wanted = named?.memory ? snapshot?.state.isolation : undefined;
    const strongest = grades.find((grade) => this.#isolations.includes(grade)) ?? 'container';
    const isolation = spec.isolation === 'auto' ? (wanted ?? strongest) : spec.isolation;
    if (!this.#isolations.includes(isolation)) {
      throw new HostError('isolationUnavailable', `${isolation} is not available on this host`);
    }
    if (wanted !== undefined && wanted !== isolation) {
      throw new HostError(
        'memoryUnsupported',
        `the memory of snapshot ${snapshot?.state.id} needs the grade ${wanted}`,
      );
    }
    requireShareable(this.#boxes, spec, isolation);
    const built = typeof image === 'object' && 'imageId' in image ? this.requireImage(image.imageId) : undefined;
    const handler = this.#options.handler ?? interpret;
    const imageEnvironment = built?.environment;
    return new FakeBox({
      spec,
      isolation,
      snapshot,
      imageEnvironment,
      handler,
      emit: (event) => this.#hub.emit(event),
    });
  }

  async #resume(box: FakeBox, spec: BoxSpec, memory: boolean): Promise<BoxState> {
    box.resuming();
    if (this.#options.startMs !== undefined) {
      await delay(this.#options.startMs);
    }
    const failure = this.#resumeFailures.shift();
    if (box.state.phase === 'starting') {
      if (failure) {
        box.notResumed(failure, 'failed by the test');
      } else {
        box.resumed(spec, memory);
      }
    }
    return box.state;
  }

  async #start(spec: BoxSpec, box: FakeBox): Promise<BoxState> {
    this.#boxes.set(spec.id, box);
    box.change({ phase: 'starting' });
    if (this.#options.startMs !== undefined) {
      await delay(this.#options.startMs);
    }
    const failure = this.#createFailures.shift();
    if (box.state.phase !== 'starting') {
      return box.state;
    }
    if (failure) {
      box.stop('stopped', failure, 'failed by the test');
    } else {
      box.change({ phase: 'running', ipv4: '10.0.0.1', startedMs: Date.now() });
    }
    return box.state;
  }

  protected enter(): void {
    const failure = this.#callFailures.shift();
    if (failure) {
      throw new HostError(failure, 'failed by the test');
    }
    if (this.#unreachable) {
      throw new HostError('hostUnavailable', 'the host is unreachable');
    }
  }

  protected announce(state: BuildState): void {
    this.#hub.emit({ type: 'build', state });
  }

  protected get buildMs(): number | undefined {
    return this.#options.buildMs;
  }

  get #isolations(): readonly Isolation[] {
    return this.#options.isolations ?? ['container'];
  }

  /** The box that the network belongs to. */
  #networkOf(boxId: string): string {
    return this.#boxes.get(boxId)?.spec.networkOf ?? boxId;
  }

  #box(boxId: string): FakeBox {
    this.enter();
    return this.#find(boxId);
  }

  #find(boxId: string): FakeBox {
    const box = this.#boxes.get(boxId);
    if (!box) {
      throw new HostError('boxNotFound', `no box ${boxId}`);
    }
    return box;
  }

  #running(boxId: string): FakeBox {
    const box = this.#box(boxId);
    box.requireRunning();
    return box;
  }
}

async function* whole(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  if (bytes.byteLength > 0) {
    yield bytes;
  }
}
