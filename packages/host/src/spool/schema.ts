import type { DatabaseSync } from 'node:sqlite';
import { addMissingColumns } from './columns.ts';

/** Makes the spool's tables when they are missing. */
export const createSpoolTables = (database: DatabaseSync): void => {
  database.exec(`
    CREATE TABLE IF NOT EXISTS guest_links (
      box_id TEXT PRIMARY KEY,
      epoch INTEGER NOT NULL,          -- lives of the host that listened for this box: makes stream ids unique
      boot_id TEXT,                    -- of the guest that answered last
      configured_boot_id TEXT          -- of the guest that was configured
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE IF NOT EXISTS executions (
      box_id TEXT NOT NULL,
      execution_id TEXT NOT NULL,
      seq INTEGER NOT NULL,            -- order of arrival in the box; names the output files
      stream_id INTEGER NOT NULL,
      origin TEXT NOT NULL,
      command TEXT,                    -- NULL: in the file <seq>.cmd
      shell_name TEXT,
      user_name TEXT,
      attach_stdin INTEGER NOT NULL,
      environment TEXT,                -- JSON, until the end is recorded
      stdin_closed INTEGER NOT NULL DEFAULT 0,
      kill_signal INTEGER,             -- last signal the host was asked for
      started_ms INTEGER NOT NULL,
      ended_ms INTEGER,
      end_kind TEXT,
      end_code INTEGER,
      end_signal INTEGER,
      end_by TEXT,
      end_reason TEXT,
      stdout_bytes INTEGER NOT NULL DEFAULT 0,  -- final sizes; while running the files tell
      stderr_bytes INTEGER NOT NULL DEFAULT 0,
      stdout_first_ms INTEGER,         -- time of the first byte
      stderr_first_ms INTEGER,
      stdout_inline BLOB,              -- a small output that ended soon: it has no file
      stderr_inline BLOB,
      PRIMARY KEY (box_id, execution_id)
    ) STRICT;
    CREATE UNIQUE INDEX IF NOT EXISTS executions_by_seq ON executions (box_id, seq);
    CREATE INDEX IF NOT EXISTS completed_executions ON executions (box_id, ended_ms) WHERE ended_ms IS NOT NULL;

    CREATE TABLE IF NOT EXISTS box_logs (
      id INTEGER PRIMARY KEY,
      box_id TEXT NOT NULL,
      timestamp_ms INTEGER NOT NULL,
      entry TEXT NOT NULL              -- JSON
    ) STRICT;
    CREATE INDEX IF NOT EXISTS box_logs_by_box ON box_logs (box_id, id);
  `);
  addMissingColumns(database, 'executions', ['stdout_inline BLOB', 'stderr_inline BLOB']);
};
