import { setImmediate } from 'node:timers/promises';
import type { LogEntry, LogFilter } from '../contract/index.ts';
import type { BoxExecutions } from '../executions/box-executions.ts';
import { OutputReader } from '../spool/output-reader.ts';
import type { Spool } from '../spool/spool.ts';
import { LogCollector } from './log-collector.ts';
import { LogFollower } from './log-follower.ts';

const defaultLimit = 10_000;
const maxLimit = 100_000;

const limitOf = (filter: LogFilter): number =>
  Math.min(Math.max(0, Math.trunc(filter.limit ?? defaultLimit)), maxLimit);

/** The log of one box (API §6). */
export class BoxLogs {
  readonly #boxId: string;
  readonly #spool: Spool;
  readonly #executions: BoxExecutions;
  readonly #reader: OutputReader;
  readonly #collector: LogCollector;

  constructor(boxId: string, spool: Spool, executions: BoxExecutions) {
    this.#boxId = boxId;
    this.#spool = spool;
    this.#executions = executions;
    this.#reader = new OutputReader(spool.pool);
    this.#collector = new LogCollector(boxId, spool, executions, this.#reader);
  }

  /** Writes an entry down that no execution wrote. */
  append(entry: Omit<LogEntry, 'timestampMs'> & { readonly timestampMs?: number }): void {
    this.#spool.logs.append(this.#boxId, { ...entry, timestampMs: entry.timestampMs ?? Date.now() });
    this.#executions.bell.ring();
  }

  /** The newest entries (10,000 unless limited otherwise), in order of time. Of a running execution, whole lines only. */
  async entries(filter: LogFilter): Promise<LogEntry[]> {
    const collection = this.#collector.collect(filter, limitOf(filter));
    for (;;) {
      const step = collection.next();
      if (step.done === true) {
        return step.value;
      }
      await setImmediate();
    }
  }

  /** The newest entries there are (none with `limit` 0), then each new one as it comes; nothing twice, nothing left out. */
  async *follow(filter: LogFilter, signal: AbortSignal): AsyncGenerator<LogEntry> {
    // both in one turn: what comes later belongs to the follower
    const follower = new LogFollower(this.#boxId, this.#spool, this.#executions, this.#reader, filter);
    const collection = this.#collector.collect(filter, limitOf(filter));
    let step = collection.next();
    while (step.done !== true) {
      step = collection.next();
    }
    yield* step.value;
    yield* follower.entries(signal);
  }
}
