import { sql } from 'kysely';
import type { Database } from '../database/database.ts';
import type { StoredStatus } from './table.ts';

/** What a comparison with the host needs of a box. */
export interface UnsettledBox {
  readonly id: string;
  readonly status: StoredStatus;
  readonly hasEntrypoint: boolean;
}

const batch = 500;

/** Boxes are not ended while their disk is being kept. */
const untaken = sql`not exists (select from snapshots where snapshots.devbox_id = devboxes.id and snapshots.status = 'in_progress')`;

/** Questions over all boxes of all accounts: what is unsettled, what is due. Times are those of the database. */
export class DueStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Boxes of which something is left, running ones included. */
  async unsettled(): Promise<UnsettledBox[]> {
    const found = await sql<UnsettledBox>`
      select id, status, wish::jsonb ? 'entrypoint' as "hasEntrypoint" from devboxes
      where status not in ('failure', 'shutdown') or host_state in ('requested', 'present')
    `.execute(this.#database);
    return found.rows;
  }

  /** Unsettled boxes that are on their way. */
  async restless(): Promise<Array<Pick<UnsettledBox, 'id' | 'status'>>> {
    return this.#database
      .selectFrom('devboxes')
      .select(['id', 'status'])
      .where((where) =>
        where.or([
          where('status', 'in', ['provisioning', 'initializing', 'suspending']),
          where.and([
            where('status', 'in', ['failure', 'shutdown']),
            where('host_state', 'in', ['requested', 'present']),
          ]),
        ]),
      )
      .execute();
  }

  /** Which of these ids have a row. */
  async known(ids: readonly string[]): Promise<ReadonlySet<string>> {
    const rows = await sql<{ id: string }>`select id from devboxes where id = any(${[...ids]}::text[])`.execute(
      this.#database,
    );
    return new Set(rows.rows.map((row) => row.id));
  }

  /** Boxes whose lifetime is over, or that were suspended for as long as they may be. */
  async expired(): Promise<Array<Pick<UnsettledBox, 'id' | 'status'>>> {
    const found = await sql<Pick<UnsettledBox, 'id' | 'status'>>`
      select id, status from devboxes
      where status not in ('failure', 'shutdown') and expires_ms <= now_ms() and ${untaken} limit ${batch}
    `.execute(this.#database);
    return found.rows;
  }

  /** Boxes that were idle for their time; their open executions have not been asked for. */
  async idle(): Promise<string[]> {
    return this.#ids(sql`
      select id from devboxes
      where status = 'running' and idle_ms is not null and activity_ms + idle_ms <= now_ms() and ${untaken} limit ${batch}
    `);
  }

  /** Running boxes whose notice of eviction is over. */
  async evicted(): Promise<string[]> {
    return this.#ids(sql`
      select id from devboxes where status = 'running' and evict_ms <= now_ms() limit ${batch}
    `);
  }

  /** Time until the next of them, if there is one. */
  async nextDeadlineInMs(): Promise<number | undefined> {
    return this.#inMs(sql`
      select least(
        (select min(expires_ms) from devboxes where status not in ('failure', 'shutdown') and ${untaken}),
        (select min(activity_ms + idle_ms) from devboxes where status = 'running' and idle_ms is not null and ${untaken}),
        (select min(evict_ms) from devboxes where evict_ms is not null and status = 'running')
      ) - now_ms() as ms
    `);
  }

  /** Boxes gone for longer than this, whose spool the host still keeps. */
  async forgettable(retentionMs: number): Promise<string[]> {
    return this.#ids(sql`
      select id from devboxes where host_state = 'destroyed' and destroyed_ms + ${retentionMs}::bigint <= now_ms() limit ${batch}
    `);
  }

  async nextForgettableInMs(retentionMs: number): Promise<number | undefined> {
    return this.#inMs(sql`
      select min(destroyed_ms) + ${retentionMs}::bigint - now_ms() as ms from devboxes where host_state = 'destroyed'
    `);
  }

  async #ids(query: ReturnType<typeof sql>): Promise<string[]> {
    const found = await query.execute(this.#database);
    return (found.rows as Array<{ id: string }>).map((row) => row.id);
  }

  async #inMs(query: ReturnType<typeof sql>): Promise<number | undefined> {
    const found = await query.execute(this.#database);
    return (found.rows as Array<{ ms: number | null }>)[0]?.ms ?? undefined;
  }
}
