import type { DatabaseSync, StatementSync } from 'node:sqlite';
import {
  type BoxPhase,
  type BoxSize,
  type BoxState,
  HostError,
  type Isolation,
  type StopCause,
} from '../contract/index.ts';

/** `destroying` is ours: the box is on its way to `destroyed`, whatever it was before. */
export type StoredPhase = BoxPhase | 'destroying';

/** One box as the host remembers it. Its environment is not among it. */
export interface BoxRow {
  readonly id: string;
  readonly phase: StoredPhase;
  readonly isolation: Isolation;
  readonly slot: number;
  readonly size: BoxSize;
  readonly pid: number | undefined;
  /** Start time of `pid`, in clock ticks since boot: tells it from a later process with the same number. */
  readonly startTimeTicks: number | undefined;
  readonly netSlot: number | undefined;
  readonly ipv4: string | undefined;
  readonly cause: StopCause | undefined;
  readonly detail: string | undefined;
  readonly startedMs: number | undefined;
  readonly stoppedMs: number | undefined;
}

const columns: Readonly<Record<keyof BoxRow, string>> = {
  id: 'id',
  phase: 'phase',
  isolation: 'isolation',
  slot: 'slot',
  size: 'size',
  pid: 'pid',
  startTimeTicks: 'start_time_ticks',
  netSlot: 'net_slot',
  ipv4: 'ipv4',
  cause: 'cause',
  detail: 'detail',
  startedMs: 'started_ms',
  stoppedMs: 'stopped_ms',
};

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS boxes (
    id TEXT PRIMARY KEY,
    phase TEXT NOT NULL CHECK (phase IN ('starting', 'running', 'stopped', 'destroying', 'destroyed')),
    isolation TEXT NOT NULL,
    slot INTEGER NOT NULL,
    size TEXT NOT NULL,
    pid INTEGER,
    start_time_ticks INTEGER,
    net_slot INTEGER,
    ipv4 TEXT,
    cause TEXT,
    detail TEXT,
    started_ms INTEGER,
    stopped_ms INTEGER
  ) STRICT, WITHOUT ROWID;
  CREATE UNIQUE INDEX IF NOT EXISTS boxes_slot ON boxes (slot) WHERE phase <> 'destroyed';
`;

/** Boxes on disk: every change is there before it is acted on. Rows are kept in memory too; the disk is read once. */
export class BoxStore {
  readonly #put: StatementSync;
  readonly #delete: StatementSync;
  readonly #rows = new Map<string, BoxRow>();

  constructor(database: DatabaseSync) {
    database.exec(SCHEMA);
    const names = Object.values(columns);
    this.#put = database.prepare(
      `INSERT INTO boxes (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')})
       ON CONFLICT (id) DO UPDATE SET ${names.map((name) => `${name} = excluded.${name}`).join(', ')}`,
    );
    this.#delete = database.prepare('DELETE FROM boxes WHERE id = ?');
    for (const row of database.prepare('SELECT * FROM boxes').all()) {
      const box = fromRow(row);
      this.#rows.set(box.id, box);
    }
  }

  get(boxId: string): BoxRow | undefined {
    return this.#rows.get(boxId);
  }

  /** @throws HostError `boxNotFound` */
  require(boxId: string): BoxRow {
    const row = this.#rows.get(boxId);
    if (!row) {
      throw new HostError('boxNotFound', `no box ${boxId}`);
    }
    return row;
  }

  all(): BoxRow[] {
    return [...this.#rows.values()];
  }

  /** Smallest slot that no present box has. */
  freeSlot(): number {
    const taken = new Set<number>();
    for (const row of this.#rows.values()) {
      if (row.phase !== 'destroyed') {
        taken.add(row.slot);
      }
    }
    let slot = 0;
    while (taken.has(slot)) {
      slot++;
    }
    return slot;
  }

  /** Writes the row, then remembers it. Durable when it returns. */
  put(row: BoxRow): BoxRow {
    const values = (Object.keys(columns) as Array<keyof BoxRow>).map((key) =>
      key === 'size' ? JSON.stringify(row.size) : (row[key] ?? null),
    );
    this.#put.run(...values);
    this.#rows.set(row.id, row);
    return row;
  }

  update(boxId: string, change: Partial<BoxRow>): BoxRow {
    return this.put({ ...this.require(boxId), ...change });
  }

  delete(boxId: string): void {
    this.#delete.run(boxId);
    this.#rows.delete(boxId);
  }
}

function fromRow(row: Record<string, unknown>): BoxRow {
  const entries = Object.entries(columns).map(([key, column]) => [key, row[column] ?? undefined]);
  const box = Object.fromEntries(entries);
  return { ...box, size: JSON.parse(box.size) };
}

/** What others see of a row. */
export function stateOf(row: BoxRow): BoxState {
  const cause = row.cause ?? (row.phase === 'destroying' ? 'destroyed' : undefined);
  return {
    id: row.id,
    phase: row.phase === 'destroying' ? 'stopped' : row.phase,
    isolation: row.isolation,
    ...(row.ipv4 === undefined ? {} : { ipv4: row.ipv4 }),
    ...(cause === undefined ? {} : { cause }),
    ...(row.detail === undefined ? {} : { detail: row.detail }),
    ...(row.startedMs === undefined ? {} : { startedMs: row.startedMs }),
    ...(row.stoppedMs === undefined ? {} : { stoppedMs: row.stoppedMs }),
  };
}
