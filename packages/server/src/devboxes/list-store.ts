import type { DevboxListQuery } from '@berth/contract';
import { type ExpressionBuilder, type SqlBool, sql } from 'kysely';
import type { Database } from '../database/database.ts';
import { metadataConditions } from '../database/metadata-filter.ts';
import { metadataKeysIn, metadataValuesIn } from '../database/metadata-in-use.ts';
import { nameConditions } from '../database/name-filter.ts';
import { readPage } from '../database/page.ts';
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
    let page = matches.select(devboxColumns).orderBy('id', 'desc');
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
    const { rows, hasMore, totalCount } = await readPage(query, matches, page);
    return { boxes: rows.map(toDevbox), hasMore, totalCount };
  }

  /** Metadata keys in use, in order (API §2.3). */
  metadataKeys(accountId: string): Promise<string[]> {
    return metadataKeysIn(this.#database, 'devboxes', sql<SqlBool>`account_id = ${accountId}`);
  }

  /** Values in use of one metadata key, in order. */
  metadataValues(accountId: string, key: string): Promise<string[]> {
    return metadataValuesIn(this.#database, 'devboxes', sql<SqlBool>`account_id = ${accountId}`, key);
  }
}

const filters = (where: ExpressionBuilder<Schema, 'devboxes'>, accountId: string, query: DevboxListQuery) => {
  const { status, metadata } = query;
  return where.and([
    where('account_id', '=', accountId),
    // A status that this version never gives matches nothing.
    ...(status === undefined ? [] : [where('status', '=', status as StoredStatus)]),
    ...nameConditions(query),
    ...metadataConditions(metadata),
  ]);
};
