import { type ExecutionSpec, type ExecutionState, HostError } from '../contract/index.ts';
import type { GuestLink } from '../link/guest-link.ts';
import type { GuestStream } from '../link/guest-stream.ts';
import type { ExecutionRecord, InheritedExecution } from '../spool/execution-record.ts';
import type { Spool } from '../spool/spool.ts';
import { Bell } from './bell.ts';
import { checkSame, checkSpec } from './exec-request.ts';
import { LiveExecution, type LiveExecutionContext } from './live-execution.ts';

export interface BoxExecutionsOptions {
  readonly boxId: string;
  readonly spool: Spool;
  onCompleted(executionId: string): void;
  onStalled(record: ExecutionRecord, reason: string): void;
  onFailed(error: unknown): void;
}

/** An execution in memory, or one that has its end. */
export type Found = { readonly live: LiveExecution } | { readonly record: ExecutionRecord };

/** The executions of one box: those without an end in memory, the others in the spool only. */
export class BoxExecutions {
  /** Rung at everything that happens to any of them. */
  readonly bell = new Bell();
  readonly #boxId: string;
  readonly #spool: Spool;
  readonly #live = new Map<string, LiveExecution>();
  readonly #context: LiveExecutionContext;
  #parked = false;
  #lastSeq: number;
  #outputBytes: number;
  #link: GuestLink | undefined;
  #closed = false;

  constructor(options: BoxExecutionsOptions) {
    this.#boxId = options.boxId;
    this.#spool = options.spool;
    this.#lastSeq = this.#spool.executions.lastSeq(this.#boxId);
    this.#outputBytes = this.#spool.executions.outputBytes(this.#boxId);
    this.#context = {
      boxId: options.boxId,
      spool: options.spool,
      boxBell: this.bell,
      budget: { take: (bytes) => this.#takeSpace(bytes) },
      completed: (execution) => {
        this.#live.delete(execution.record.executionId);
        options.onCompleted(execution.record.executionId);
      },
      stalled: (execution, reason) => options.onStalled(execution.record, reason),
      failed: (error) => options.onFailed(error),
    };
    for (const record of this.#spool.executions.unfinished(this.#boxId)) {
      const execution = new LiveExecution(this.#context, record, this.#firstStatus(record), true);
      this.#live.set(record.executionId, execution);
      this.#outputBytes += execution.sizeBytes('stdout') + execution.sizeBytes('stderr');
    }
  }

  /** Takes up what earlier lives of the host left unfinished, and starts new ones on this link from now on. */
  connect(link: GuestLink): void {
    this.#link = link;
    this.#parked = false;
    for (const execution of this.#live.values()) {
      execution.open(link, true);
    }
  }

  /** Executions without an end. */
  live(): readonly LiveExecution[] {
    return [...this.#live.values()];
  }

  /** @throws HostError `executionNotFound` */
  require(executionId: string): Found {
    const live = this.#live.get(executionId);
    if (live !== undefined) {
      return { live };
    }
    const record = this.#spool.executions.find(this.#boxId, executionId);
    if (record === undefined) {
      throw new HostError('executionNotFound', 'no such execution in this box');
    }
    return { record };
  }

  /** Starts the execution once: a second call with its id answers with what is. Durable when it returns. */
  start(spec: ExecutionSpec): ExecutionState {
    checkSpec(spec);
    const known = this.#live.get(spec.executionId);
    const record = known?.record ?? this.#spool.executions.find(this.#boxId, spec.executionId);
    if (record !== undefined) {
      checkSame(record, spec);
      return known?.state() ?? completedState(record);
    }
    const link = this.#link;
    if (link === undefined || this.#parked) {
      throw new HostError('boxNotRunning', 'the box is not running');
    }
    const execution = this.#begin(spec, link);
    execution.open(link, false);
    this.bell.ring();
    return execution.state();
  }

  /** The stream of an execution that a guest lists under an id of an earlier life. */
  reattach(executionId: string, streamId: number): GuestStream | undefined {
    const stream = this.#live.get(executionId)?.stream;
    if (stream !== undefined) {
      this.#spool.executions.moveStream(this.#boxId, executionId, streamId);
    }
    return stream;
  }

  /** No new ones for now: the box sleeps. Those that are there wait for their guest. */
  park(): void {
    this.#parked = true;
  }

  /** They came with the memory of another box and belong to it: here they have ended, as lost. */
  inherit(inherited: readonly InheritedExecution[], reason: string): void {
    for (const { executionId, ...rest } of inherited) {
      if (this.#spool.executions.find(this.#boxId, executionId) === undefined) {
        this.#lastSeq += 1;
        const record = { ...rest, executionId, seq: this.#lastSeq, streamId: 0, environment: {}, stdinClosed: true };
        const nothing = { sizeBytes: 0 };
        const finish = {
          endedMs: Date.now(),
          end: { kind: 'lost', reason },
          stdout: nothing,
          stderr: nothing,
        } as const;
        this.#spool.executions.insert(this.#boxId, record);
        this.#spool.executions.finish(this.#boxId, executionId, finish);
      }
    }
  }

  /** Records every unfinished one as lost. */
  loseAll(reason: string): void {
    this.#link = undefined;
    for (const execution of this.live()) {
      execution.conclude({ kind: 'lost', reason });
    }
  }

  /** Closes files; nothing is recorded. */
  close(): void {
    this.#link = undefined;
    for (const execution of this.#live.values()) {
      execution.detach();
    }
    this.#closed = true;
    this.bell.ring();
  }

  /** @throws HostError `hostUnavailable` after `close` */
  requireHost(): void {
    if (this.#closed) {
      throw new HostError('hostUnavailable', 'the host is closing');
    }
  }

  #begin(spec: ExecutionSpec, link: GuestLink): LiveExecution {
    this.#lastSeq += 1;
    const record: ExecutionRecord = {
      executionId: spec.executionId,
      seq: this.#lastSeq,
      streamId: link.nextId(),
      origin: spec.origin,
      command: spec.command,
      ...(spec.shellName === undefined ? {} : { shellName: spec.shellName }),
      ...(spec.user === undefined ? {} : { user: spec.user }),
      attachStdin: spec.attachStdin === true,
      environment: spec.environment ?? {},
      stdinClosed: false,
      startedMs: Date.now(),
    };
    this.#spool.executions.insert(this.#boxId, record);
    const execution = new LiveExecution(this.#context, record, this.#firstStatus(record), false);
    this.#live.set(record.executionId, execution);
    return execution;
  }

  /** What the status is until the guest says: `queued` behind another command of the same shell. */
  #firstStatus(record: ExecutionRecord): 'queued' | 'running' {
    if (record.shellName === undefined) {
      return 'running';
    }
    const before = this.live().some((other) => other.record.shellName === record.shellName);
    return before ? 'queued' : 'running';
  }

  #takeSpace(bytes: number): boolean {
    if (this.#outputBytes + bytes > this.#spool.maxOutputBytesPerBox) {
      return false;
    }
    this.#outputBytes += bytes;
    return true;
  }
}

/** The state of an execution that has its end. */
export const completedState = (record: ExecutionRecord): ExecutionState => ({
  executionId: record.executionId,
  status: 'completed',
  ...(record.shellName === undefined ? {} : { shellName: record.shellName }),
  startedMs: record.startedMs,
  ...(record.finish === undefined ? {} : { endedMs: record.finish.endedMs, end: record.finish.end }),
  stdoutBytes: record.finish?.stdout.sizeBytes ?? 0,
  stderrBytes: record.finish?.stderr.sizeBytes ?? 0,
});
