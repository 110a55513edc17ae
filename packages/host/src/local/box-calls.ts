import type {
  BoxConnection,
  BoxMetrics,
  ExecutionSpec,
  ExecutionState,
  ExecutionStatus,
  ExecutionView,
  ExtractOptions,
  FileInfo,
  LogEntry,
  LogFilter,
  OutputChunk,
  OutputStream,
  WriteFileOptions,
} from '../contract/index.ts';
import { HostError } from '../contract/index.ts';
import type { GuestBox } from '../link/guest-box.ts';
import { readUsage } from '../runtimes/oci/cgroup-usage.ts';
import { type BoxRow, stateOf } from './box-row.ts';
import { cgroupsPathOf, type HostParts } from './host-parts.ts';

/** The calls of a Host that concern one box, handed to its GuestBox once the box is known. */
export abstract class BoxCalls {
  protected readonly parts: HostParts;

  constructor(parts: HostParts) {
    this.parts = parts;
  }

  /** Figures as the kernel counts them from outside: a box cannot colour them. */
  async metrics(boxId: string): Promise<BoxMetrics> {
    const { place } = this.requireRunning(boxId);
    const { cgroups, configuration, helper, paths } = this.parts;
    const [usage, disk] = await Promise.all([
      readUsage(cgroups, cgroupsPathOf(configuration, place)),
      helper.call('subvolumeUsage', { path: paths.subvolume(place) }),
    ]);
    return { ...usage, diskUsedBytes: disk.usedBytes };
  }

  async execute(boxId: string, spec: ExecutionSpec): Promise<ExecutionState> {
    return this.known(boxId).execute(spec);
  }

  async execution(boxId: string, executionId: string, lastLines: number): Promise<ExecutionView> {
    return this.known(boxId).execution(executionId, lastLines);
  }

  async waitExecution(
    boxId: string,
    executionId: string,
    wait: { readonly until: readonly ExecutionStatus[]; readonly timeoutMs: number; readonly lastLines: number },
    signal?: AbortSignal,
  ): Promise<ExecutionView> {
    return this.known(boxId).waitExecution(executionId, wait, signal);
  }

  async executeAndWait(
    boxId: string,
    spec: ExecutionSpec,
    wait: { readonly timeoutMs: number; readonly lastLines: number },
    signal?: AbortSignal,
  ): Promise<ExecutionView> {
    return this.known(boxId).executeAndWait(spec, wait, signal);
  }

  async *output(
    boxId: string,
    executionId: string,
    stream: OutputStream,
    offset: number,
    signal?: AbortSignal,
  ): AsyncGenerator<OutputChunk> {
    yield* this.known(boxId).output(executionId, stream, offset, signal);
  }

  async kill(
    boxId: string,
    executionId: string,
    options?: { readonly signal?: number; readonly processGroup?: boolean },
  ): Promise<void> {
    await this.known(boxId).kill(executionId, options);
  }

  async stdin(boxId: string, executionId: string, bytes: Uint8Array, end: boolean, token?: string): Promise<void> {
    await this.known(boxId).stdin(executionId, bytes, end, token);
  }

  async logs(boxId: string, filter: LogFilter): Promise<LogEntry[]> {
    return this.known(boxId).logs(filter);
  }

  async *followLogs(boxId: string, filter: LogFilter, signal: AbortSignal): AsyncGenerator<LogEntry> {
    yield* this.known(boxId).followLogs(filter, signal);
  }

  async readFile(
    boxId: string,
    path: string,
    options?: { readonly user?: string },
    signal?: AbortSignal,
  ): Promise<{ readonly info: FileInfo; readonly body: AsyncIterable<Uint8Array> }> {
    return this.running(boxId).readFile(path, options, signal);
  }

  async writeFile(
    boxId: string,
    path: string,
    body: AsyncIterable<Uint8Array>,
    options?: WriteFileOptions,
    signal?: AbortSignal,
  ): Promise<FileInfo> {
    return this.running(boxId).writeFile(path, body, options, signal);
  }

  async extract(
    boxId: string,
    path: string,
    archive: AsyncIterable<Uint8Array>,
    options?: ExtractOptions,
    signal?: AbortSignal,
  ): Promise<void> {
    await this.running(boxId).extract(path, archive, options, signal);
  }

  async stat(boxId: string, path: string, options?: { readonly user?: string }): Promise<FileInfo> {
    return this.running(boxId).stat(path, options);
  }

  async connect(boxId: string, port: number, address?: string): Promise<BoxConnection> {
    return this.running(boxId).connect(port, address);
  }

  /** The box's records, whatever became of it. @throws HostError `boxNotFound` */
  protected known(boxId: string): GuestBox {
    return this.parts.guests.get(this.parts.store.require(boxId).place);
  }

  /** @throws HostError `boxNotFound`, or `boxNotRunning` when it has ended or has not begun to answer */
  protected running(boxId: string): GuestBox {
    return this.parts.guests.get(this.requireRunning(boxId).place);
  }

  protected requireRunning(boxId: string): BoxRow {
    const row = this.parts.store.require(boxId);
    if (row.phase !== 'running') {
      throw new HostError('boxNotRunning', `box ${boxId} is ${stateOf(row).phase}`);
    }
    return row;
  }
}
