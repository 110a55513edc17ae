import { DatabaseSync } from 'node:sqlite';

/**
 * Opens the host's database, made when missing.
 *
 * Write-ahead log with `synchronous = NORMAL`: a commit is one write to the page cache, so that the death of this process loses nothing; a power
 * loss may take the last commits away but never corrupts the file, and it ends every box anyway. One process at a time.
 */
export const openHostDatabase = (path: string): DatabaseSync => {
  const database = new DatabaseSync(path, { timeout: 5_000, enableForeignKeyConstraints: true });
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA temp_store = MEMORY;');
  return database;
};
