import type { LogEntry, LogFilter, OutputStream } from '../contract/index.ts';
import type { BoxExecutions } from '../executions/box-executions.ts';
import { outputContent } from '../executions/output-content.ts';
import type { OutputReader } from '../spool/output-reader.ts';
import type { Spool } from '../spool/spool.ts';
import { endEntry, LineSplitter, lineEntry, startEntry } from './log-lines.ts';
import { type LoggedExecution, loggedExecution, outputStreams, timesOf } from './logged-execution.ts';

const pageSize = 100;
/** Characters of all messages together. */
const maxTotalLength = 32 * 1024 * 1024;

/** Whether a filter lets an entry, or the entries of an execution, through. */
export const passes = (
  filter: LogFilter,
  entry: { readonly executionId?: string; readonly shellName?: string },
): boolean =>
  (filter.executionId === undefined || filter.executionId === entry.executionId) &&
  (filter.shellName === undefined || filter.shellName === entry.shellName);

interface Group {
  readonly order: number;
  readonly entries: LogEntry[];
}

/** Reads the log of a box back from the spool: the newest entries, in order of time. */
export class LogCollector {
  readonly #boxId: string;
  readonly #spool: Spool;
  readonly #executions: BoxExecutions;
  readonly #reader: OutputReader;

  constructor(boxId: string, spool: Spool, executions: BoxExecutions, reader: OutputReader) {
    this.#boxId = boxId;
    this.#spool = spool;
    this.#executions = executions;
    this.#reader = reader;
  }

  /** Yields between pages, so that a long log need not be read in one turn of the event loop; returns the entries. */
  *collect(filter: LogFilter, limit: number): Generator<void, LogEntry[]> {
    let groups: Group[] = [];
    for (const execution of this.#live(filter)) {
      groups.push(this.#group(execution, limit));
    }
    const ofBox = this.#spool.logs.newest(this.#boxId, limit).map(({ entry }) => entry);
    groups.push({ order: 0, entries: ofBox.reverse().filter((entry) => passes(filter, entry)) });
    let count = groups.reduce((sum, { entries }) => sum + entries.length, 0);
    for (const page of this.#completed(filter)) {
      for (const execution of page) {
        const group = this.#group(execution, limit);
        groups.push(group);
        count += group.entries.length;
      }
      const lastEndedMs = page.at(-1)?.record.finish?.endedMs ?? 0;
      if (count >= limit) {
        const entries = newest(groups, limit);
        if ((entries[0]?.timestampMs ?? 0) > lastEndedMs) {
          return entries;
        }
        groups = [{ order: 0, entries }];
        count = entries.length;
      }
      yield;
    }
    return newest(groups, limit);
  }

  /** Entries of one execution: command, lines, end. At most `limit` lines of each output. */
  entries(execution: LoggedExecution, limit: number): LogEntry[] {
    const lines = outputStreams.flatMap((stream) => this.#lines(execution, stream, limit));
    lines.sort((a, b) => a.timestampMs - b.timestampMs);
    const end = endEntry(execution.record);
    return [startEntry(execution.record), ...lines, ...(end === undefined ? [] : [end])];
  }

  #group(execution: LoggedExecution, limit: number): Group {
    return { order: execution.record.seq, entries: this.entries(execution, limit) };
  }

  #live(filter: LogFilter): LoggedExecution[] {
    return this.#executions
      .live()
      .filter((live) => passes(filter, live.record))
      .map((live) => loggedExecution({ live }));
  }

  *#completed(filter: LogFilter): Generator<LoggedExecution[]> {
    if (filter.executionId !== undefined) {
      const record = this.#spool.executions.find(this.#boxId, filter.executionId);
      if (record?.finish !== undefined && passes(filter, record)) {
        yield [loggedExecution({ record })];
      }
      return;
    }
    let below = { endedMs: Number.MAX_SAFE_INTEGER, seq: Number.MAX_SAFE_INTEGER };
    for (;;) {
      const page = this.#spool.executions.completedBefore(this.#boxId, below, pageSize);
      const last = page.at(-1);
      if (last?.finish === undefined) {
        return;
      }
      below = { endedMs: last.finish.endedMs, seq: last.seq };
      yield page.filter((record) => passes(filter, record)).map((record) => loggedExecution({ record }));
    }
  }

  #lines(execution: LoggedExecution, stream: OutputStream, limit: number): LogEntry[] {
    const { record } = execution;
    const sizeBytes = execution.sizeBytes(stream);
    if (sizeBytes === 0 || limit === 0) {
      return [];
    }
    const content = outputContent(this.#spool, this.#boxId, execution.found, stream);
    const { bytes, start } = this.#reader.tailBytes(content, sizeBytes, limit);
    const splitter = new LineSplitter(start);
    const lines = splitter.push(bytes);
    const rest = record.finish === undefined ? undefined : splitter.rest();
    const times = timesOf(this.#spool, this.#boxId, execution, stream);
    return [...lines, ...(rest === undefined ? [] : [rest])].map((line) =>
      lineEntry(record, stream, times.at(line.offset), line.bytes),
    );
  }
}

/** The newest entries of all groups in order of time; those of one time in order of arrival. */
const newest = (groups: readonly Group[], limit: number): LogEntry[] => {
  const ordered = groups.toSorted((a, b) => a.order - b.order).flatMap((group) => group.entries);
  ordered.sort((a, b) => a.timestampMs - b.timestampMs);
  let length = 0;
  let first = ordered.length;
  while (first > 0 && ordered.length - first < limit) {
    const entry = ordered[first - 1];
    length += (entry?.message?.length ?? 0) + (entry?.command?.length ?? 0);
    if (length > maxTotalLength) {
      break;
    }
    first -= 1;
  }
  return ordered.slice(first);
};
