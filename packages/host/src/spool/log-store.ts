import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { LogEntry } from '../contract/index.ts';

/** Entries kept of each box besides those of its executions. */
const keptEntries = 10_000;
const pruneEvery = 1_000;

export interface StoredEntry {
  readonly id: number;
  readonly entry: LogEntry;
}

const toEntry = (row: Readonly<Record<string, unknown>>): StoredEntry => ({
  id: Number(row.id),
  entry: JSON.parse(String(row.entry)) as LogEntry,
});

/** Log entries that no execution wrote: setup, files, kernel. The newest 10,000 of each box are kept. */
export class LogStore {
  readonly #insert: StatementSync;
  readonly #prune: StatementSync;
  readonly #newest: StatementSync;
  readonly #after: StatementSync;
  readonly #forget: StatementSync;
  readonly #sincePrune = new Map<string, number>();

  constructor(database: DatabaseSync) {
    this.#insert = database.prepare('INSERT INTO box_logs (box_id, timestamp_ms, entry) VALUES (?, ?, ?)');
    this.#prune = database.prepare(
      `DELETE FROM box_logs WHERE box_id = ?1 AND id <=
         (SELECT id FROM box_logs WHERE box_id = ?1 ORDER BY id DESC LIMIT 1 OFFSET ${keptEntries})`,
    );
    this.#newest = database.prepare('SELECT id, entry FROM box_logs WHERE box_id = ? ORDER BY id DESC LIMIT ?');
    this.#after = database.prepare('SELECT id, entry FROM box_logs WHERE box_id = ? AND id > ? ORDER BY id LIMIT ?');
    this.#forget = database.prepare('DELETE FROM box_logs WHERE box_id = ?');
  }

  append(boxId: string, entry: LogEntry): void {
    this.#insert.run(boxId, entry.timestampMs, JSON.stringify(entry));
    const since = (this.#sincePrune.get(boxId) ?? 0) + 1;
    this.#sincePrune.set(boxId, since % pruneEvery);
    if (since === pruneEvery) {
      this.#prune.run(boxId);
    }
  }

  /** Newest first. */
  newest(boxId: string, limit: number): StoredEntry[] {
    return this.#newest.all(boxId, limit).map(toEntry);
  }

  /** Oldest first, after the given one. */
  after(boxId: string, id: number, limit: number): StoredEntry[] {
    return this.#after.all(boxId, id, limit).map(toEntry);
  }

  lastId(boxId: string): number {
    return this.newest(boxId, 1)[0]?.id ?? 0;
  }

  forget(boxId: string): void {
    this.#sincePrune.delete(boxId);
    this.#forget.run(boxId);
  }
}
