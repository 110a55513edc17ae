import type { DatabaseSync } from 'node:sqlite';

/** Adds the columns that a table of an earlier version lacks. Each is its definition, name first. */
export const addMissingColumns = (database: DatabaseSync, table: string, columns: readonly string[]): void => {
  const present = columnsOf(database, table);
  for (const column of columns) {
    if (!present.has(column.split(' ')[0] ?? '')) {
      database.exec(`ALTER TABLE ${table} ADD COLUMN ${column}`);
    }
  }
};

/** Names of a table's columns; none when there is no such table. */
export const columnsOf = (database: DatabaseSync, table: string): ReadonlySet<string> =>
  new Set(
    database
      .prepare(`PRAGMA table_info(${table})`)
      .all()
      .map((row) => String(row['name'])),
  );
