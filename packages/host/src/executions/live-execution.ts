import { type Status, StatusPhase } from '@berth/guest/protocol';
import {
  type ExecutionEnd,
  type ExecutionState,
  type ExecutionStatus,
  HostError,
  type OutputStream,
} from '../contract/index.ts';
import type { GuestLink } from '../link/guest-link.ts';
import type { GuestStream, OutputChannel } from '../link/guest-stream.ts';
import type { ExecutionFinish, ExecutionRecord, OutputSummary } from '../spool/execution-record.ts';
import { type OutputBudget, OutputWriter } from '../spool/output-writer.ts';
import type { Spool } from '../spool/spool.ts';
import { passedOn } from '../streams/young-garbage.ts';
import { Bell } from './bell.ts';
import { encodeExec, outputWindowBytes } from './exec-request.ts';
import { endFromStatus } from './execution-end.ts';
import { Stdin } from './stdin.ts';

export interface LiveExecutionContext {
  readonly boxId: string;
  readonly spool: Spool;
  readonly budget: OutputBudget;
  /** Rung at everything that happens to an execution of the box. */
  readonly boxBell: Bell;
  completed(execution: LiveExecution): void;
  /** Its output cannot be written at present. */
  stalled(execution: LiveExecution, reason: string): void;
  /** Something failed on the host's side; it will be tried again. */
  failed(error: unknown): void;
}

const hostClosed = (): HostError => new HostError('hostUnavailable', 'the host is closing');
const settleMs = 1_000;
const streamOf = { 1: 'stdout', 2: 'stderr' } as const;

const summaryOf = (writer: OutputWriter): OutputSummary => {
  const inline = writer.held;
  return {
    sizeBytes: writer.sizeBytes,
    ...(writer.firstMs === undefined ? {} : { firstMs: writer.firstMs }),
    ...(inline === undefined || inline.length === 0 ? {} : { inline }),
  };
};

/** An execution that has no end yet: its stream, its outputs being spooled, its waiters. */
export class LiveExecution {
  readonly record: ExecutionRecord;
  /** Rung when the status changes or output was spooled. */
  readonly bell = new Bell();
  readonly stdin: Stdin;
  readonly #context: LiveExecutionContext;
  readonly #writers: Readonly<Record<OutputStream, OutputWriter>>;
  #link: GuestLink | undefined;
  #stream: GuestStream | undefined;
  #status: ExecutionStatus;
  #finished: Status | undefined;
  #finish: ExecutionFinish | undefined;
  #askedSignal: number | undefined;
  #detached = false;

  /** @param restored it was begun in an earlier life of the host: its outputs go on where the files end */
  constructor(context: LiveExecutionContext, record: ExecutionRecord, status: ExecutionStatus, restored: boolean) {
    this.#context = context;
    this.record = record;
    this.#status = status;
    this.#askedSignal = record.killSignal;
    this.#writers = { stdout: this.#writer('stdout', 1, restored), stderr: this.#writer('stderr', 2, restored) };
    this.stdin = new Stdin({
      bell: this.bell,
      closed: record.stdinClosed,
      onClosed: () => context.spool.executions.closeStdin(context.boxId, record.executionId),
    });
  }

  get status(): ExecutionStatus {
    return this.#status;
  }

  /** Set when the end is recorded. */
  get finish(): ExecutionFinish | undefined {
    return this.#finish;
  }

  get stream(): GuestStream | undefined {
    return this.#stream;
  }

  state(): ExecutionState {
    return {
      executionId: this.record.executionId,
      status: this.#status,
      ...(this.record.shellName === undefined ? {} : { shellName: this.record.shellName }),
      startedMs: this.record.startedMs,
      ...(this.#finish === undefined ? {} : { endedMs: this.#finish.endedMs, end: this.#finish.end }),
      stdoutBytes: this.sizeBytes('stdout'),
      stderrBytes: this.sizeBytes('stderr'),
    };
  }

  /** Bytes spooled so far. */
  sizeBytes(stream: OutputStream): number {
    return this.#writers[stream].sizeBytes;
  }

  /** The whole of an output while there is no file of it. */
  held(stream: OutputStream): Uint8Array | undefined {
    return this.#writers[stream].held;
  }

  /** When the first byte of an output was spooled. */
  firstMs(stream: OutputStream): number | undefined {
    return this.#writers[stream].firstMs;
  }

  /** Opens its stream, or takes it up again after a restart of the host (`adopted`). */
  open(link: GuestLink, adopted: boolean): void {
    if (this.#stream !== undefined) {
      return;
    }
    this.#link = link;
    this.#stream = link.open(
      () => encodeExec(this.record),
      {
        windows: [outputWindowBytes, outputWindowBytes],
        received: [this.sizeBytes('stdout'), this.sizeBytes('stderr')],
        sends: this.record.attachStdin,
        adopted,
      },
      {
        status: (status) => this.#onStatus(status),
        data: (channel, bytes) => {
          passedOn(bytes.length);
          this.#writers[streamOf[channel]].append(Buffer.from(bytes));
        },
        eof: (channel) => this.#onEof(channel),
        attached: () => this.bell.ring(),
        lost: (error) => {
          if (!this.#detached) {
            this.conclude({ kind: 'lost', reason: error.message });
          }
        },
      },
      this.record.streamId,
    );
    if (this.#stream.send !== undefined) {
      this.stdin.connect(link, this.#stream);
    }
  }

  /** The host was asked to end it with this signal. */
  askSignal(signal: number): void {
    this.#askedSignal = signal;
    this.#context.spool.executions.askSignal(this.#context.boxId, this.record.executionId, signal);
    this.#writers.stdout.discard();
    this.#writers.stderr.discard();
  }

  /** Records the end and tells everyone; the first end counts. */
  conclude(end: ExecutionEnd): void {
    if (this.#finish !== undefined) {
      return;
    }
    const { stdout, stderr } = this.#writers;
    const finish: ExecutionFinish = {
      endedMs: Math.max(Date.now(), this.record.startedMs),
      end,
      stdout: summaryOf(stdout),
      stderr: summaryOf(stderr),
    };
    this.#context.spool.executions.finish(this.#context.boxId, this.record.executionId, finish);
    this.#finish = finish;
    this.#status = 'completed';
    this.#closeFiles();
    if (this.record.attachStdin) {
      this.stdin.fail(new HostError('stdinClosed', `execution ${this.record.executionId} has ended`));
    }
    if (this.#stream !== undefined) {
      this.#link?.forget(this.#stream);
    }
    this.#context.completed(this);
    this.#ring();
  }

  /** Waits until what has arrived is written, for a second at most. */
  async settle(): Promise<void> {
    const writers = [this.#writers.stdout, this.#writers.stderr];
    const untilMs = performance.now() + settleMs;
    for (;;) {
      for (const writer of writers) {
        writer.flush();
      }
      const leftMs = untilMs - performance.now();
      if (leftMs <= 0 || writers.every((writer) => !writer.unsettled)) {
        return;
      }
      await this.bell.wait({ timeoutMs: leftMs });
    }
  }

  /** Lets go of it without an end: it goes on in the guest. Whoever waits gets `hostUnavailable`. */
  detach(): void {
    this.#detached = true;
    this.#closeFiles();
    this.stdin.fail(hostClosed());
    this.bell.ring();
  }

  /** @throws HostError `hostUnavailable` after `detach` */
  requireHost(): void {
    if (this.#detached) {
      throw hostClosed();
    }
  }

  #closeFiles(): void {
    this.#writers.stdout.close();
    this.#writers.stderr.close();
  }

  /** The guest's word on the present state. @throws ProtocolBreach for an end that cannot be */
  #onStatus(status: Status): void {
    if (status.phase === StatusPhase.FINISHED) {
      endFromStatus(status, this.#askedSignal);
      this.#finished = status;
      this.#concludeIfDone();
      return;
    }
    const present = status.phase === StatusPhase.QUEUED ? 'queued' : 'running';
    if (present !== this.#status && this.#finish === undefined) {
      this.#status = present;
      this.#ring();
    }
  }

  #onEof(channel: OutputChannel): void {
    this.#writers[streamOf[channel]].flush();
    this.#concludeIfDone();
  }

  #onSpooled(channel: OutputChannel, settledBytes: number): void {
    if (this.#stream !== undefined) {
      this.#link?.acknowledge(this.#stream, channel, settledBytes);
    }
    try {
      this.#concludeIfDone();
    } catch (error) {
      // not recorded: the guest keeps the execution, and shows it again on its next connection
      this.#link?.disconnect();
      this.#context.failed(error);
    }
    this.#ring();
  }

  #concludeIfDone(): void {
    if (this.#detached) {
      // A write that was on its way when the host let go: the guest shows the execution to the next host.
      return;
    }
    const finished = this.#finished;
    const { stdout, stderr } = this.#writers;
    const done =
      this.#stream?.channel(1)?.finalOffset === stdout.takenBytes &&
      this.#stream.channel(2)?.finalOffset === stderr.takenBytes;
    if (finished !== undefined && done) {
      this.conclude(endFromStatus(finished, this.#askedSignal));
    }
  }

  #ring(): void {
    this.bell.ring();
    this.#context.boxBell.ring();
  }

  #writer(stream: OutputStream, channel: OutputChannel, restored: boolean): OutputWriter {
    const { boxId, spool, budget } = this.#context;
    const sizeBytes = restored ? spool.outputSize(boxId, this.record.seq, stream) : 0;
    const writer = new OutputWriter({
      pool: spool.pool,
      bytesPath: spool.outputPath(boxId, this.record.seq, stream),
      indexPath: spool.indexPath(boxId, this.record.seq, stream),
      sizeBytes,
      firstMs: sizeBytes === 0 ? undefined : this.record.startedMs,
      budget,
      onSpooled: () => this.#onSpooled(channel, writer.settledBytes),
      onStalled: (reason) => this.#context.stalled(this, reason),
    });
    return writer;
  }
}
