import type { ObjectListQuery } from '@berth/contract';
import { type ExpressionBuilder, type SqlBool, sql } from 'kysely';
import type { Database } from '../database/database.ts';
import { metadataKeysIn, metadataValuesIn } from '../database/metadata-in-use.ts';
import { nameConditions } from '../database/name-filter.ts';
import { readPage } from '../database/page.ts';
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
      .orderBy('id', 'desc');
    const { rows, hasMore, totalCount } = await readPage(query, matches, page);
    return { objects: rows, hasMore, totalCount };
  }

  /** Metadata keys in use, in order (API §2.3). */
  metadataKeys(accountId: string): Promise<string[]> {
    return metadataKeysIn(this.#database, 'objects', present(accountId));
  }

  /** Values in use of one metadata key, in order. */
  metadataValues(accountId: string, key: string): Promise<string[]> {
    return metadataValuesIn(this.#database, 'objects', present(accountId), key);
  }
}

const present = (accountId: string) => sql<SqlBool>`account_id = ${accountId} and state <> 'DELETED'`;

const filters = (
  where: ExpressionBuilder<Schema, 'objects'>,
  accountId: string | undefined,
  query: ObjectListQuery,
) => {
  const { content_type, state, is_public } = query;
  return where.and([
    ...(accountId === undefined ? [where('is_public', '=', true)] : [where('account_id', '=', accountId)]),
    ...(state === undefined ? [where('state', '!=', 'DELETED')] : [where('state', '=', state)]),
    ...nameConditions(query),
    ...(content_type === undefined ? [] : [where('content_type', '=', content_type)]),
    ...(is_public === undefined ? [] : [where('is_public', '=', is_public)]),
  ]);
};
