import { type RawBuilder, type SqlBool, sql } from 'kysely';
import type { Database } from './database.ts';
import type { Schema } from './schema.ts';

/** Tables whose rows carry metadata. */
type Labelled = { [Table in keyof Schema]: 'metadata' extends keyof Schema[Table] ? Table : never }[keyof Schema];

/** Metadata keys in use in the rows for which the condition holds, in order (API §2.3). */
export const metadataKeysIn = async (
  database: Database,
  table: Labelled,
  condition: RawBuilder<SqlBool>,
): Promise<string[]> => {
  const found = await sql<{ key: string }>`
    select distinct jsonb_object_keys(metadata) as key from ${sql.table(table)} where ${condition} order by key
  `.execute(database);
  return found.rows.map((row) => row.key);
};

/** Values in use of one metadata key in those rows, in order. */
export const metadataValuesIn = async (
  database: Database,
  table: Labelled,
  condition: RawBuilder<SqlBool>,
  key: string,
): Promise<string[]> => {
  const found = await sql<{ value: string }>`
    select distinct metadata ->> ${key} as value from ${sql.table(table)}
    where ${condition} and metadata ? ${key} order by value
  `.execute(database);
  return found.rows.map((row) => row.value);
};
