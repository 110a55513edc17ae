import type { DevboxListQuery } from '@berth/contract';
import { type ExpressionBuilder, type SqlBool, sql } from 'kysely';
import { containing } from '../database/containing.ts';
import type { Database } from '../database/database.ts';
import { metadataConditions } from '../database/metadata-filter.ts';
import type { Schema } from '../database/schema.ts';
import { type Devbox, devboxColumns, toDevbox } from './devbox.ts';
import type { StoredStatus } from './table.ts';

export interface DevboxPage {
  readonly boxes: readonly Devbox[];
  readonly hasMore: boolean;
  readonly totalCount: number | null;
}

/** Lists of boxes of one account. */
export class DevboxListStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Newest first; with a filter by name, exact hits come before partial ones (API §2.2). */
  async page(accountId: string, query: DevboxListQuery): Promise<DevboxPage> {
    const { name } = query;
    const matches = this.#database.selectFrom('devboxes').where((where) => filters(where, accountId, query));
    const exact = sql<boolean>`coalesce(name = ${name ?? null}, false)`;
    let page = matches
      .select(devboxColumns)
      .orderBy('id', 'desc')
      .limit(query.limit + 1);
    if (name !== undefined) {
      page = page.clearOrderBy().orderBy(exact, 'desc').orderBy('id', 'desc');
    }
    if (query.starting_after !== undefined) {
      const after = query.starting_after;
      const afterExact =
        name !== undefined &&
        (await this.#database
          .selectFrom('devboxes')
          .select('id')
          .where('id', '=', after)
          .where('account_id', '=', accountId)
          .where('name', '=', name)
          .executeTakeFirst()) !== undefined;
      page = page.where(
        name === undefined ? sql<SqlBool>`id < ${after}` : sql<SqlBool>`(${exact}, id) < (${afterExact}, ${after})`,
      );
    }
    const [rows, total] = await Promise.all([
      page.execute(),
      query.include_total_count
        ? matches.select(sql<number>`count(*)`.as('count')).executeTakeFirstOrThrow()
        : undefined,
    ]);
    return {
      boxes: rows.slice(0, query.limit).map(toDevbox),
      hasMore: rows.length > query.limit,
      totalCount: total?.count ?? null,
    };
  }

  /** Metadata keys in use, in order (API §2.3). */
  async metadataKeys(accountId: string): Promise<string[]> {
    const found = await sql<{ key: string }>`
      select distinct jsonb_object_keys(metadata) as key from devboxes where account_id = ${accountId} order by key
    `.execute(this.#database);
    return found.rows.map((row) => row.key);
  }

  /** Values in use of one metadata key, in order. */
  async metadataValues(accountId: string, key: string): Promise<string[]> {
    const found = await sql<{ value: string }>`
      select distinct metadata ->> ${key} as value from devboxes
      where account_id = ${accountId} and metadata ? ${key} order by value
    `.execute(this.#database);
    return found.rows.map((row) => row.value);
  }
}

const filters = (where: ExpressionBuilder<Schema, 'devboxes'>, accountId: string, query: DevboxListQuery) => {
  const { status, id, name, search, metadata } = query;
  return where.and([
    where('account_id', '=', accountId),
    // A status that this version never gives matches nothing.
    ...(status === undefined ? [] : [where('status', '=', status as StoredStatus)]),
    ...(id === undefined ? [] : [where('id', '=', id)]),
    ...(name === undefined ? [] : [where('name', 'ilike', containing(name))]),
    ...(search === undefined
      ? []
      : [where.or([where('name', 'ilike', containing(search)), where('id', 'ilike', containing(search))])]),
    ...metadataConditions(metadata),
  ]);
};
