import { Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';
import type { Logger } from 'pino';
import { preparedPool } from './prepared-pool.ts';
import type { Schema } from './schema.ts';

/** Typed access to PostgreSQL. A transaction of it has the same type for queries. */
export type Database = Kysely<Schema>;

/** Largest id of `int8` that a number holds exactly is far beyond any time or count kept here. */
const int8 = 20;

const types: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') =>
    oid === int8 ? Number : pg.types.getTypeParser(oid, format ?? 'text')) as typeof pg.types.getTypeParser,
};

export interface DatabaseOptions {
  /** `postgres://…`, or with a `host=/socket/directory` parameter. */
  readonly url: string;
  readonly maximumConnections?: number;
  readonly log: Logger;
  /** Is given the process ids that serve the connections, for as long as they do. */
  readonly backends?: Set<number>;
}

/** The settings every connection of the server uses. */
export const connectionSettings = (url: string): pg.ClientConfig => ({
  connectionString: url,
  types,
  connectionTimeoutMillis: 5_000,
  keepAlive: true,
  application_name: 'berth-server',
});

/** Process id on the other side of an open connection, as it was told at its beginning. */
const backendOf = (client: pg.PoolClient): number | undefined => {
  const id: unknown = Reflect.get(client, 'processID');
  return typeof id === 'number' ? id : undefined;
};

/** Opens the pool. Nothing connects yet; a database that is away shows at the first query. Release with `destroy()`. */
export const openDatabase = (options: DatabaseOptions): Database => {
  const pool = new pg.Pool({
    ...connectionSettings(options.url),
    max: options.maximumConnections ?? 16,
    idleTimeoutMillis: 60_000,
    // A statement that outlives this is a fault of ours; the caller gets an answer all the same.
    statement_timeout: 30_000,
    query_timeout: 35_000,
  });
  // Without a listener, an idle connection that the database closes would end the process.
  pool.on('error', (error) => options.log.warn({ error: error.message }, 'idle database connection lost'));
  pool.on('connect', (client) => {
    client.on('error', () => undefined);
    const backend = backendOf(client);
    if (backend !== undefined) {
      options.backends?.add(backend);
      client.on('end', () => options.backends?.delete(backend));
    }
  });
  return new Kysely<Schema>({ dialect: new PostgresDialect({ pool: preparedPool(pool) }) });
};
