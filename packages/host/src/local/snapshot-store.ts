import type { DatabaseSync } from 'node:sqlite';
import type { Isolation, Layer, SnapshotState } from '../contract/index.ts';
import { addMissingColumns } from '../spool/columns.ts';
import { firmly } from '../spool/database.ts';
import { RowTable } from './row-table.ts';

/**
 * `taking`: being made; `ready`; `deleted`: nobody asks for it any more, but others may stand on its layer; `removing`: nothing does.
 */
export type SnapshotPhase = 'taking' | 'ready' | 'deleted' | 'removing';

/** One snapshot as the host remembers it. */
export interface SnapshotRow {
  readonly id: string;
  readonly boxId: string;
  readonly phase: SnapshotPhase;
  readonly isolation: Isolation;
  /** Outer owner of what root owns in its layer. */
  readonly ownerBase: number;
  /** What its layer lies on, top layer first. */
  readonly layers: readonly Layer[];
  readonly imageEnvironment: Readonly<Record<string, string>>;
  /** What was counted against the box's limit when it was taken. */
  readonly diskBytes: number;
  readonly createdMs: number;
  readonly pausedMs: number;
  /** Size of its memory image; 0 for one without. */
  readonly memoryBytes: number;
}

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS snapshots (
    id TEXT PRIMARY KEY,
    box_id TEXT NOT NULL,
    phase TEXT NOT NULL,
    isolation TEXT NOT NULL,
    owner_base INTEGER NOT NULL,
    layers TEXT NOT NULL,              -- JSON, top layer first
    image_environment TEXT NOT NULL,   -- JSON
    disk_bytes INTEGER NOT NULL,
    created_ms INTEGER NOT NULL,
    paused_ms REAL NOT NULL,
    memory_bytes INTEGER NOT NULL DEFAULT 0
  ) STRICT, WITHOUT ROWID;
`;

const columns = {
  id: 'id',
  boxId: 'box_id',
  phase: 'phase',
  isolation: 'isolation',
  ownerBase: 'owner_base',
  layers: 'layers',
  imageEnvironment: 'image_environment',
  diskBytes: 'disk_bytes',
  createdMs: 'created_ms',
  pausedMs: 'paused_ms',
  memoryBytes: 'memory_bytes',
} as const;

/** Snapshots on disk: every change is there before it is acted on. Rows are kept in memory too; the disk is read once. */
export class SnapshotStore {
  readonly #database: DatabaseSync;
  readonly #table: RowTable<SnapshotRow>;
  readonly #rows = new Map<string, SnapshotRow>();

  constructor(database: DatabaseSync) {
    database.exec(SCHEMA);
    addMissingColumns(database, 'snapshots', ['memory_bytes INTEGER NOT NULL DEFAULT 0']);
    this.#database = database;
    this.#table = new RowTable<SnapshotRow>(database, 'snapshots', columns, ['layers', 'imageEnvironment']);
    for (const row of this.#table.all()) {
      this.#rows.set(row.id, row);
    }
  }

  get(snapshotId: string): SnapshotRow | undefined {
    return this.#rows.get(snapshotId);
  }

  all(): SnapshotRow[] {
    return [...this.#rows.values()];
  }

  /** Durable when it returns. */
  put(row: SnapshotRow): SnapshotRow {
    this.#table.put(row);
    this.#rows.set(row.id, row);
    return row;
  }

  /** The same, and a power loss does not take it away. */
  putFirmly(row: SnapshotRow): SnapshotRow {
    return firmly(this.#database, () => this.put(row));
  }

  delete(snapshotId: string): void {
    this.#table.delete(snapshotId);
    this.#rows.delete(snapshotId);
  }
}

/** What others see of a row. */
export const snapshotStateOf = ({
  id,
  boxId,
  isolation,
  diskBytes,
  createdMs,
  pausedMs,
  memoryBytes,
}: SnapshotRow): SnapshotState => ({
  id,
  boxId,
  isolation,
  hasMemory: memoryBytes > 0,
  diskBytes,
  memoryBytes,
  createdMs,
  pausedMs,
});
