import type { DatabaseSync } from 'node:sqlite';
import type { Layer } from '../contract/index.ts';
import { addMissingColumns, columnsOf } from '../spool/columns.ts';

const TABLE = `
  CREATE TABLE IF NOT EXISTS boxes (
    place TEXT PRIMARY KEY,            -- names everything that the box has on this machine; the id, or one of the pool's
    id TEXT NOT NULL UNIQUE,
    phase TEXT NOT NULL,
    isolation TEXT NOT NULL,
    slot INTEGER NOT NULL,
    size TEXT NOT NULL,                -- JSON
    layers TEXT NOT NULL,              -- JSON, top layer first
    image_environment TEXT NOT NULL,   -- JSON
    pid INTEGER,
    start_time_ticks INTEGER,
    net_slot INTEGER,
    ipv4 TEXT,
    cause TEXT,
    detail TEXT,
    started_ms INTEGER,
    stopped_ms INTEGER,
    memory TEXT,
    network_of TEXT
  ) STRICT, WITHOUT ROWID;
  CREATE UNIQUE INDEX IF NOT EXISTS boxes_slot ON boxes (slot) WHERE phase <> 'destroyed';
`;

const KEPT = [
  ...['id', 'phase', 'isolation', 'slot', 'size', 'pid', 'start_time_ticks', 'net_slot', 'ipv4'],
  ...['cause', 'detail', 'started_ms', 'stopped_ms'],
].join(', ');

/**
 * Makes the table of boxes, or brings one of an earlier version to this form. That did not remember what its boxes stand on: it was the default image
 * (`defaultLayers`).
 */
export function prepareBoxTable(database: DatabaseSync, defaultLayers: readonly Layer[]): void {
  const columns = columnsOf(database, 'boxes');
  if (columns.size === 0 || columns.has('place')) {
    database.exec(TABLE);
    addMissingColumns(database, 'boxes', ['memory TEXT', 'network_of TEXT']);
    return;
  }
  database.exec('BEGIN IMMEDIATE');
  try {
    database.exec('ALTER TABLE boxes RENAME TO boxes_before; DROP INDEX IF EXISTS boxes_slot');
    database.exec(TABLE);
    database
      .prepare(
        `INSERT INTO boxes (place, layers, image_environment, ${KEPT}) SELECT id, ?, '{}', ${KEPT} FROM boxes_before`,
      )
      .run(JSON.stringify(defaultLayers));
    database.exec('DROP TABLE boxes_before; COMMIT');
  } catch (error) {
    database.exec('ROLLBACK');
    throw error;
  }
}
