import type { LogEntry, LogFilter, OutputStream } from '../contract/index.ts';
import { cancelled } from '../executions/bell.ts';
import type { BoxExecutions } from '../executions/box-executions.ts';
import { outputContent } from '../executions/output-content.ts';
import type { OutputReader } from '../spool/output-reader.ts';
import type { Spool } from '../spool/spool.ts';
import { passes } from './log-collector.ts';
import { endEntry, LineSplitter, lineEntry, startEntry } from './log-lines.ts';
import { type LoggedExecution, loggedExecution, outputStreams, timesOf } from './logged-execution.ts';

const blockBytes = 64 * 1024;
const pageSize = 200;

type Cursor = Readonly<Record<OutputStream, LineSplitter>>;

/** Follows the log of a box from where it was made. Reads from the spool when asked, so that a slow reader costs no memory. */
export class LogFollower {
  readonly #boxId: string;
  readonly #spool: Spool;
  readonly #executions: BoxExecutions;
  readonly #reader: OutputReader;
  readonly #filter: LogFilter;
  readonly #cursors = new Map<string, Cursor>();
  #lastSeq: number;
  #lastLogId: number;

  constructor(boxId: string, spool: Spool, executions: BoxExecutions, reader: OutputReader, filter: LogFilter) {
    this.#boxId = boxId;
    this.#spool = spool;
    this.#executions = executions;
    this.#reader = reader;
    this.#filter = filter;
    this.#lastSeq = spool.executions.lastSeq(boxId);
    this.#lastLogId = spool.logs.lastId(boxId);
    for (const live of executions.live()) {
      if (passes(filter, live.record)) {
        this.#cursors.set(live.record.executionId, {
          stdout: this.#atLineStart(loggedExecution({ live }), 'stdout'),
          stderr: this.#atLineStart(loggedExecution({ live }), 'stderr'),
        });
      }
    }
  }

  /** Entries as they come, until the signal is aborted. */
  async *entries(signal: AbortSignal): AsyncGenerator<LogEntry> {
    for (;;) {
      const { rings } = this.#executions.bell;
      const entries = await this.#pass();
      yield* entries;
      if (signal.aborted) {
        throw cancelled();
      }
      this.#executions.requireHost();
      if (entries.length === 0 && rings === this.#executions.bell.rings) {
        await this.#executions.bell.wait({ signal });
      }
    }
  }

  /** What has come since the last pass, up to a block of each output. */
  async #pass(): Promise<LogEntry[]> {
    const entries: LogEntry[] = [];
    for (const { id, entry } of this.#spool.logs.after(this.#boxId, this.#lastLogId, pageSize)) {
      this.#lastLogId = id;
      if (passes(this.#filter, entry)) {
        entries.push(entry);
      }
    }
    for (const record of this.#spool.executions.after(this.#boxId, this.#lastSeq, pageSize)) {
      this.#lastSeq = record.seq;
      if (passes(this.#filter, record)) {
        this.#cursors.set(record.executionId, { stdout: new LineSplitter(0), stderr: new LineSplitter(0) });
        entries.push(startEntry(record));
      }
    }
    for (const [executionId, cursor] of this.#cursors) {
      entries.push(...(await this.#advance(executionId, cursor)));
    }
    return entries.sort((a, b) => a.timestampMs - b.timestampMs);
  }

  async #advance(executionId: string, cursor: Cursor): Promise<LogEntry[]> {
    const execution = loggedExecution(this.#executions.require(executionId));
    const entries: LogEntry[] = [];
    let finished = execution.record.finish !== undefined;
    for (const stream of outputStreams) {
      const splitter = cursor[stream];
      const available = execution.sizeBytes(stream) - splitter.position;
      if (available <= 0) {
        continue;
      }
      const content = outputContent(this.#spool, this.#boxId, execution.found, stream);
      const bytes = await this.#reader.read(content, splitter.position, Math.min(available, blockBytes));
      finished &&= bytes.length === available || bytes.length === 0;
      const lines = splitter.push(bytes);
      entries.push(...this.#timed(execution, stream, lines));
    }
    if (finished) {
      this.#cursors.delete(executionId);
      for (const stream of outputStreams) {
        const rest = cursor[stream].rest();
        entries.push(...this.#timed(execution, stream, rest === undefined ? [] : [rest]));
      }
      const end = endEntry(execution.record);
      entries.sort((a, b) => a.timestampMs - b.timestampMs);
      entries.push(...(end === undefined ? [] : [end]));
    }
    return entries;
  }

  #timed(execution: LoggedExecution, stream: OutputStream, lines: ReturnType<LineSplitter['push']>): LogEntry[] {
    if (lines.length === 0) {
      return [];
    }
    const times = timesOf(this.#spool, this.#boxId, execution, stream);
    return lines.map((line) => lineEntry(execution.record, stream, times.at(line.offset), line.bytes));
  }

  /** Behind the last newline of what is spooled: the line that is being written is still to be shown. */
  #atLineStart(execution: LoggedExecution, stream: OutputStream): LineSplitter {
    const sizeBytes = execution.sizeBytes(stream);
    if (sizeBytes === 0) {
      return new LineSplitter(0);
    }
    const content = outputContent(this.#spool, this.#boxId, execution.found, stream);
    const { bytes, start } = this.#reader.tailBytes(content, sizeBytes, 1);
    return new LineSplitter(bytes.at(-1) === 0x0a ? sizeBytes : start);
  }
}
