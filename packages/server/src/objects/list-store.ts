import type { ObjectListQuery } from '@berth/contract';
import { type ExpressionBuilder, sql } from 'kysely';
import { containing } from '../database/containing.ts';
import type { Database } from '../database/database.ts';
import type { Schema } from '../database/schema.ts';
import type { StoredObject } from './object.ts';

export interface ObjectPage {
  readonly objects: readonly StoredObject[];
  readonly hasMore: boolean;
  readonly totalCount: number | null;
}

/** Lists of objects. */
export class ObjectListStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Newest first. Without an account, the public ones of all accounts. */
  async page(accountId: string | undefined, query: ObjectListQuery): Promise<ObjectPage> {
    const matches = this.#database.selectFrom('objects').where((where) => filters(where, accountId, query));
    const after = query.starting_after;
    const page = matches
      .$if(after !== undefined, (matching) => matching.where('id', '<', after ?? ''))
      .selectAll()
      .orderBy('id', 'desc')
      .limit(query.limit + 1);
    const [rows, total] = await Promise.all([
      page.execute(),
      query.include_total_count
        ? matches.select(sql<number>`count(*)`.as('count')).executeTakeFirstOrThrow()
        : undefined,
    ]);
    return {
      objects: rows.slice(0, query.limit),
      hasMore: rows.length > query.limit,
      totalCount: total?.count ?? null,
    };
  }

  /** Metadata keys in use, in order (API §2.3). */
  async metadataKeys(accountId: string): Promise<string[]> {
    const found = await sql<{ key: string }>`
      select distinct jsonb_object_keys(metadata) as key from objects where account_id = ${accountId} and state <> 'DELETED' order by key
    `.execute(this.#database);
    return found.rows.map((row) => row.key);
  }

  /** Values in use of one metadata key, in order. */
  async metadataValues(accountId: string, key: string): Promise<string[]> {
    const found = await sql<{ value: string }>`
      select distinct metadata ->> ${key} as value from objects
      where account_id = ${accountId} and state <> 'DELETED' and metadata ? ${key} order by value
    `.execute(this.#database);
    return found.rows.map((row) => row.value);
  }
}

const filters = (
  where: ExpressionBuilder<Schema, 'objects'>,
  accountId: string | undefined,
  query: ObjectListQuery,
) => {
  const { id, name, content_type, state, search, is_public } = query;
  return where.and([
    ...(accountId === undefined ? [where('is_public', '=', true)] : [where('account_id', '=', accountId)]),
    ...(state === undefined ? [where('state', '!=', 'DELETED')] : [where('state', '=', state)]),
    ...(id === undefined ? [] : [where('id', '=', id)]),
    ...(name === undefined ? [] : [where('name', 'ilike', containing(name))]),
    ...(content_type === undefined ? [] : [where('content_type', '=', content_type)]),
    ...(is_public === undefined ? [] : [where('is_public', '=', is_public)]),
    ...(search === undefined
      ? []
      : [where.or([where('name', 'ilike', containing(search)), where('id', 'ilike', containing(search))])]),
  ]);
};
