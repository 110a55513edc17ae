import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import pg from 'pg';
import { connectionSettings } from './database.ts';

/** One SQL file: `0001-accounts.sql`. */
export interface Migration {
  readonly name: string;
  readonly sql: string;
  readonly checksum: string;
}

const directory = new URL('./migrations/', import.meta.url);
/** Any constant; the same in every server so that two never migrate at once. */
const lockKey = 0x62657274;

/** Reads the migrations in order. */
export const loadMigrations = async (from: URL = directory): Promise<Migration[]> => {
  const names = (await readdir(from)).filter((name) => /^\d{4}-[a-z0-9-]+\.sql$/.test(name)).sort();
  return Promise.all(
    names.map(async (name) => {
      const sql = await readFile(new URL(name, from), 'utf8');
      return { name, sql, checksum: createHash('sha256').update(sql).digest('hex') };
    }),
  );
};

const applied = async (client: pg.Client): Promise<Map<string, string>> => {
  const rows = await client.query<{ name: string; checksum: string }>('select name, checksum from migrations');
  return new Map(rows.rows.map((row) => [row.name, row.checksum]));
};

const apply = async (client: pg.Client, migration: Migration): Promise<void> => {
  await client.query('begin');
  try {
    await client.query(migration.sql);
    await client.query('insert into migrations (name, checksum, applied_ms) values ($1, $2, $3)', [
      migration.name,
      migration.checksum,
      Date.now(),
    ]);
    await client.query('commit');
  } catch (error) {
    await client.query('rollback');
    throw new Error(`migration ${migration.name} failed`, { cause: error });
  }
};

/**
 * Brings the database to the newest schema, each file in its own transaction, under a lock. Returns the names of what was applied.
 * Throws when an applied file was changed since, or when the database is of a newer version than this server.
 */
export const migrate = async (url: string, migrations?: readonly Migration[]): Promise<string[]> => {
  const wanted = migrations ?? (await loadMigrations());
  const client = new pg.Client(connectionSettings(url));
  client.on('error', () => undefined);
  await client.connect();
  try {
    await client.query('select pg_advisory_lock($1)', [lockKey]);
    await client.query(
      'create table if not exists migrations (name text primary key, checksum text not null, applied_ms bigint not null)',
    );
    const done = await applied(client);
    for (const name of done.keys()) {
      if (!wanted.some((migration) => migration.name === name)) {
        throw new Error(
          `the database has migration ${name}, which this version of Berth does not know; use a newer one`,
        );
      }
    }
    const fresh: string[] = [];
    for (const migration of wanted) {
      const checksum = done.get(migration.name);
      if (checksum !== undefined && checksum !== migration.checksum) {
        throw new Error(`migration ${migration.name} was changed after it had been applied`);
      }
      if (checksum === undefined) {
        await apply(client, migration);
        fresh.push(migration.name);
      }
    }
    return fresh;
  } finally {
    await client.end();
  }
};
