import type {
  BoxConnection,
  BoxMetrics,
  BoxSpec,
  BoxState,
  BuildLogLine,
  BuildSpec,
  BuildState,
  ExecutionSpec,
  ExecutionState,
  ExecutionStatus,
  ExecutionView,
  ExtractOptions,
  FileInfo,
  Host,
  HostDescription,
  HostEvent,
  ImageState,
  LogEntry,
  LogFilter,
  OutputChunk,
  OutputStream,
  SnapshotState,
  SnapshotWish,
  WriteFileOptions,
} from '../contract/index.ts';
import { callOnce, StreamingCall } from './client-call.ts';
import { ClientLink, type ClientLinkOptions } from './client-link.ts';
import { sendGathered } from './gathered-writes.ts';

/** Stdin is handed over in pieces of this size, each durable before the next. */
const STDIN_PIECE_BYTES = 1024 * 1024;

/**
 * A host behind its Unix socket. Dials again by itself: calls in flight at a loss reject with `hostUnavailable` (retryable), later ones wait
 * a few seconds for the connection. Only {@link Host.close} ends it.
 */
export function connectHost(socketPath: string, options: ClientLinkOptions = {}): Host {
  return new RemoteHost(new ClientLink(socketPath, options));
}

export { passedOn } from '../streams/young-garbage.ts';
export type { ClientLinkOptions } from './client-link.ts';

class RemoteHost implements Host {
  readonly #link: ClientLink;

  constructor(link: ClientLink) {
    this.#link = link;
  }

  describe(): Promise<HostDescription> {
    return callOnce(this.#link, 'describe', []);
  }

  create(spec: BoxSpec): Promise<BoxState> {
    return callOnce(this.#link, 'create', [spec]);
  }

  destroy(boxId: string): Promise<void> {
    return callOnce(this.#link, 'destroy', [boxId]);
  }

  suspend(boxId: string, options: { readonly memory: boolean }): Promise<BoxState> {
    return callOnce(this.#link, 'suspend', [boxId, options]);
  }

  resume(spec: BoxSpec, options: { readonly memory: boolean }): Promise<BoxState> {
    return callOnce(this.#link, 'resume', [spec, options]);
  }

  snapshot(boxId: string, snapshotId: string, wish: SnapshotWish): Promise<SnapshotState> {
    return callOnce(this.#link, 'snapshot', [boxId, snapshotId, wish]);
  }

  deleteSnapshot(snapshotId: string): Promise<void> {
    return callOnce(this.#link, 'deleteSnapshot', [snapshotId]);
  }

  snapshots(): Promise<SnapshotState[]> {
    return callOnce(this.#link, 'snapshots', []);
  }

  forget(boxId: string): Promise<void> {
    return callOnce(this.#link, 'forget', [boxId]);
  }

  inspect(boxId: string): Promise<BoxState | undefined> {
    return callOnce(this.#link, 'inspect', [boxId]);
  }

  list(): Promise<BoxState[]> {
    return callOnce(this.#link, 'list', []);
  }

  events(signal: AbortSignal): AsyncIterable<HostEvent> {
    return this.#items('events', [], signal);
  }

  metrics(boxId: string): Promise<BoxMetrics> {
    return callOnce(this.#link, 'metrics', [boxId]);
  }

  execute(boxId: string, spec: ExecutionSpec): Promise<ExecutionState> {
    return callOnce(this.#link, 'execute', [boxId, spec]);
  }

  execution(boxId: string, executionId: string, lastLines: number): Promise<ExecutionView> {
    return callOnce(this.#link, 'execution', [boxId, executionId, lastLines]);
  }

  waitExecution(
    boxId: string,
    executionId: string,
    wait: { readonly until: readonly ExecutionStatus[]; readonly timeoutMs: number; readonly lastLines: number },
    signal?: AbortSignal,
  ): Promise<ExecutionView> {
    return callOnce(this.#link, 'waitExecution', [boxId, executionId, wait], { signal });
  }

  executeAndWait(
    boxId: string,
    spec: ExecutionSpec,
    wait: { readonly timeoutMs: number; readonly lastLines: number },
    signal?: AbortSignal,
  ): Promise<ExecutionView> {
    return callOnce(this.#link, 'executeAndWait', [boxId, spec, wait], { signal });
  }

  async *output(
    boxId: string,
    executionId: string,
    stream: OutputStream,
    offset: number,
    signal?: AbortSignal,
  ): AsyncGenerator<OutputChunk> {
    const call = await StreamingCall.open(this.#link, 'output', [boxId, executionId, stream, offset], signal);
    for await (const frame of call.incoming) {
      yield { bytes: frame.subarray(8), offset: Number(frame.readBigUInt64LE(0)) };
    }
  }

  kill(
    boxId: string,
    executionId: string,
    options: { readonly signal?: number; readonly processGroup?: boolean } = {},
  ): Promise<void> {
    return callOnce(this.#link, 'kill', [boxId, executionId, options]);
  }

  async stdin(boxId: string, executionId: string, bytes: Uint8Array, end: boolean, token?: string): Promise<void> {
    let at = 0;
    do {
      const raw = bytes.subarray(at, at + STDIN_PIECE_BYTES);
      at += raw.byteLength;
      const last = at >= bytes.byteLength;
      const piece = token === undefined ? null : `${token}.${at}`;
      await callOnce(this.#link, 'stdin', [boxId, executionId, last && end, piece], { raw });
    } while (at < bytes.byteLength);
  }

  logs(boxId: string, filter: LogFilter): Promise<LogEntry[]> {
    return callOnce(this.#link, 'logs', [boxId, filter]);
  }

  followLogs(boxId: string, filter: LogFilter, signal: AbortSignal): AsyncIterable<LogEntry> {
    return this.#items('followLogs', [boxId, filter], signal);
  }

  async readFile(
    boxId: string,
    path: string,
    options: { readonly user?: string } = {},
    signal?: AbortSignal,
  ): Promise<{ readonly info: FileInfo; readonly body: AsyncIterable<Uint8Array> }> {
    const call = await StreamingCall.open<FileInfo, void>(this.#link, 'readFile', [boxId, path, options], signal);
    return { info: await call.head, body: call.incoming };
  }

  writeFile(
    boxId: string,
    path: string,
    body: AsyncIterable<Uint8Array>,
    options: WriteFileOptions = {},
    signal?: AbortSignal,
  ): Promise<FileInfo> {
    return this.#upload('writeFile', [boxId, path, options], body, signal);
  }

  extract(
    boxId: string,
    path: string,
    archive: AsyncIterable<Uint8Array>,
    options: ExtractOptions = {},
    signal?: AbortSignal,
  ): Promise<void> {
    return this.#upload('extract', [boxId, path, options], archive, signal);
  }

  stat(boxId: string, path: string, options: { readonly user?: string } = {}): Promise<FileInfo> {
    return callOnce(this.#link, 'stat', [boxId, path, options]);
  }

  async connect(boxId: string, port: number, address?: string): Promise<BoxConnection> {
    const call = await StreamingCall.open<null, void>(this.#link, 'connect', [boxId, port, address ?? null]);
    await call.head;
    return {
      readable: call.incoming,
      write: (bytes) => call.outgoing.write(bytes),
      end: async () => call.endData(),
      destroy: call.cancel,
    };
  }

  startBuild(spec: BuildSpec): Promise<BuildState> {
    return callOnce(this.#link, 'startBuild', [spec]);
  }

  putBuildContext(buildId: string, body: AsyncIterable<Uint8Array>, signal?: AbortSignal): Promise<void> {
    return this.#upload('putBuildContext', [buildId], body, signal);
  }

  build(buildId: string): Promise<BuildState | undefined> {
    return callOnce(this.#link, 'build', [buildId]);
  }

  builds(): Promise<BuildState[]> {
    return callOnce(this.#link, 'builds', []);
  }

  cancelBuild(buildId: string): Promise<void> {
    return callOnce(this.#link, 'cancelBuild', [buildId]);
  }

  forgetBuild(buildId: string): Promise<void> {
    return callOnce(this.#link, 'forgetBuild', [buildId]);
  }

  buildLog(
    buildId: string,
    options: { readonly fromLine: number; readonly follow: boolean },
    signal?: AbortSignal,
  ): AsyncIterable<BuildLogLine> {
    return this.#items('buildLog', [buildId, options], signal);
  }

  images(): Promise<ImageState[]> {
    return callOnce(this.#link, 'images', []);
  }

  removeImage(imageId: string): Promise<void> {
    return callOnce(this.#link, 'removeImage', [imageId]);
  }

  pruneBuildCache(options: { readonly keepBytes: number }): Promise<{ readonly freedBytes: number }> {
    return callOnce(this.#link, 'pruneBuildCache', [options]);
  }

  async close(): Promise<void> {
    this.#link.close();
  }

  async #upload<Result>(
    method: 'writeFile' | 'extract' | 'putBuildContext',
    args: readonly unknown[],
    body: AsyncIterable<Uint8Array>,
    signal: AbortSignal | undefined,
  ): Promise<Result> {
    const call = await StreamingCall.open<void, Result>(this.#link, method, args, signal);
    let bodyFailure: { readonly error: unknown } | undefined;
    const send = async () => {
      try {
        await sendGathered(body, call.outgoing);
        call.endData();
      } catch (error) {
        bodyFailure = { error };
        call.cancel();
      }
    };
    // The host may refuse it before the body has ended; its answer counts then, not the broken stream.
    const sent = send();
    try {
      return await call.result;
    } catch (error) {
      await Promise.race([sent, Promise.resolve()]);
      const cancelled = bodyFailure && !signal?.aborted && isCancelled(error);
      throw cancelled ? bodyFailure?.error : error;
    }
  }

  async *#items<Item>(
    method: 'events' | 'followLogs' | 'buildLog',
    args: readonly unknown[],
    signal: AbortSignal | undefined,
  ): AsyncGenerator<Item> {
    if (signal?.aborted) {
      return;
    }
    try {
      const call = await StreamingCall.open(this.#link, method, args, signal);
      for await (const frame of call.incoming) {
        yield JSON.parse(frame.toString());
      }
    } catch (error) {
      if (!signal?.aborted) {
        throw error;
      }
    }
  }
}

const isCancelled = (error: unknown) => error instanceof Error && 'code' in error && error.code === 'cancelled';
