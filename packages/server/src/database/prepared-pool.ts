import type { PostgresCursor, PostgresPool, PostgresPoolClient, PostgresQueryResult } from 'kysely';
import type pg from 'pg';

/** A statement that came this often is prepared: parsed once a connection, planned once where that suits all parameters. */
const worthPreparing = 3;
/** A connection keeps what it has prepared: texts beyond these, of lists with any number of filters, are sent whole. */
const maximumPrepared = 200;
const maximumCounted = 2_000;

/** Gives names to statements that come again and again. */
export class StatementNames {
  readonly #names = new Map<string, string>();
  readonly #counts = new Map<string, number>();

  /** The name to prepare the statement by; undefined for one that is sent whole. */
  of(text: string): string | undefined {
    const known = this.#names.get(text);
    if (known !== undefined || this.#names.size >= maximumPrepared) {
      return known;
    }
    const count = (this.#counts.get(text) ?? 0) + 1;
    if (count < worthPreparing) {
      if (this.#counts.size >= maximumCounted) {
        this.#counts.clear();
      }
      this.#counts.set(text, count);
      return undefined;
    }
    this.#counts.delete(text);
    const name = `s${this.#names.size}`;
    this.#names.set(text, name);
    return name;
  }
}

/** The pool, with statements prepared that come often. */
export const preparedPool = (pool: pg.Pool): PostgresPool => {
  const names = new StatementNames();
  const clients = new WeakMap<pg.PoolClient, PostgresPoolClient>();
  const wrap = (client: pg.PoolClient): PostgresPoolClient => {
    function query<Row>(text: string, values: readonly unknown[]): Promise<PostgresQueryResult<Row>>;
    function query<Row>(cursor: PostgresCursor<Row>): PostgresCursor<Row>;
    function query<Row>(
      text: string | PostgresCursor<Row>,
      values: readonly unknown[] = [],
    ): Promise<PostgresQueryResult<Row>> | PostgresCursor<Row> {
      if (typeof text !== 'string') {
        throw new Error('cursors are not used here');
      }
      const name = values.length === 0 ? undefined : names.of(text);
      const answer: Promise<unknown> = client.query({
        ...(name === undefined ? {} : { name }),
        text,
        values: [...values],
      });
      return answer as Promise<PostgresQueryResult<Row>>;
    }
    return { query, release: (destroy) => client.release(destroy) };
  };
  return {
    options: pool.options,
    connect: async () => {
      const client = await pool.connect();
      const known = clients.get(client) ?? wrap(client);
      clients.set(client, known);
      return known;
    },
    end: () => pool.end(),
  };
};
