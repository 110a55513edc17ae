import {
  type ExecutionSpec,
  type ExecutionState,
  type ExecutionStatus,
  type ExecutionView,
  HostError,
  type OutputChunk,
  type OutputStream,
} from '../contract/index.ts';
import { OutputReader } from '../spool/output-reader.ts';
import type { Spool } from '../spool/spool.ts';
import { Bell } from './bell.ts';
import { type BoxExecutions, completedState, type Found } from './box-executions.ts';
import { outputContent } from './output-content.ts';
import { followOutput, type GrowingOutput } from './output-follower.ts';

const signalKill = 9;
const maxSignal = 64;
const silent = new Bell();

/** Sends a signal to an execution, by the guest. */
export type SendSignal = (executionId: string, signal: number, processGroup: boolean) => Promise<void>;

/** The calls of the Host contract on the executions of one box. */
export class ExecutionCalls {
  readonly #boxId: string;
  readonly #spool: Spool;
  readonly #executions: BoxExecutions;
  readonly #reader: OutputReader;
  readonly #sendSignal: SendSignal;

  constructor(boxId: string, spool: Spool, executions: BoxExecutions, sendSignal: SendSignal) {
    this.#boxId = boxId;
    this.#spool = spool;
    this.#executions = executions;
    this.#reader = new OutputReader(spool.pool);
    this.#sendSignal = sendSignal;
  }

  execute(spec: ExecutionSpec): ExecutionState {
    return this.#executions.start(spec);
  }

  view(executionId: string, lastLines: number): ExecutionView {
    return this.#view(this.#executions.require(executionId), lastLines);
  }

  #view(found: Found, lastLines: number): ExecutionView {
    const state = 'live' in found ? found.live.state() : completedState(found.record);
    const tail = (stream: OutputStream, sizeBytes: number) =>
      this.#reader.tail(outputContent(this.#spool, this.#boxId, found, stream), sizeBytes, lastLines);
    return { ...state, stdout: tail('stdout', state.stdoutBytes), stderr: tail('stderr', state.stderrBytes) };
  }

  /** Resolves when the status is one of `until`, or with what is after `timeoutMs`. */
  async wait(
    executionId: string,
    wait: { readonly until: readonly ExecutionStatus[]; readonly timeoutMs: number; readonly lastLines: number },
    signal?: AbortSignal,
  ): Promise<ExecutionView> {
    const found = this.#executions.require(executionId);
    if ('live' in found) {
      const untilMs = performance.now() + wait.timeoutMs;
      const { live } = found;
      while (live.finish === undefined && !wait.until.includes(live.status)) {
        const leftMs = untilMs - performance.now();
        if (leftMs <= 0) {
          break;
        }
        await live.bell.wait({ signal, timeoutMs: Math.min(leftMs, 2 ** 31 - 1) });
        live.requireHost();
      }
    }
    return this.#view(found, wait.lastLines);
  }

  async *output(
    executionId: string,
    stream: OutputStream,
    offset: number,
    signal?: AbortSignal,
  ): AsyncGenerator<OutputChunk> {
    const found = this.#executions.require(executionId);
    yield* followOutput(this.#reader, this.#growing(found, stream), Math.max(0, Math.trunc(offset)), signal);
  }

  /** Ends a queued or running execution; leaves a completed one as it is. */
  async kill(
    executionId: string,
    options: { readonly signal?: number; readonly processGroup?: boolean } = {},
  ): Promise<void> {
    const found = this.#executions.require(executionId);
    const signal = options.signal ?? signalKill;
    if (!Number.isInteger(signal) || signal < 1 || signal > maxSignal) {
      throw new HostError('internal', `there is no signal ${signal}`);
    }
    if ('live' in found) {
      found.live.askSignal(signal);
      await this.#sendSignal(executionId, signal, options.processGroup ?? true);
    }
  }

  async stdin(executionId: string, bytes: Uint8Array, end: boolean, token?: string): Promise<void> {
    const found = this.#executions.require(executionId);
    const record = 'live' in found ? found.live.record : found.record;
    if (!record.attachStdin) {
      throw new HostError('stdinNotAttached', `execution ${executionId} was started without stdin`);
    }
    if (!('live' in found)) {
      throw new HostError('stdinClosed', `execution ${executionId} has ended`);
    }
    await found.live.stdin.write(bytes, end, token);
  }

  #growing(found: Found, stream: OutputStream): GrowingOutput {
    const content = outputContent(this.#spool, this.#boxId, found, stream);
    if ('live' in found) {
      const { live } = found;
      return {
        content,
        sizeBytes: () => live.sizeBytes(stream),
        ended: () => {
          live.requireHost();
          return live.finish !== undefined;
        },
        bell: live.bell,
      };
    }
    const sizeBytes = found.record.finish?.[stream].sizeBytes ?? 0;
    return { content, sizeBytes: () => sizeBytes, ended: () => true, bell: silent };
  }
}
