import type { SnapshotListQuery } from '@berth/contract';
import { type ExpressionBuilder, type SqlBool, sql } from 'kysely';
import type { Database } from '../database/database.ts';
import { metadataConditions } from '../database/metadata-filter.ts';
import { metadataKeysIn, metadataValuesIn } from '../database/metadata-in-use.ts';
import { nameConditions } from '../database/name-filter.ts';
import { readPage } from '../database/page.ts';
import type { Schema } from '../database/schema.ts';
import type { Snapshot } from './snapshot.ts';

export interface SnapshotPage {
  readonly snapshots: readonly Snapshot[];
  readonly hasMore: boolean;
  readonly totalCount: number | null;
}

/** Condition of being in lists: what failed is told by its status alone, what is deleted is gone. */
const listed = sql<SqlBool>`not internal and status in ('in_progress', 'complete')`;

/** Lists of snapshots of one account. */
export class SnapshotListStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Newest first. */
  async page(accountId: string, query: SnapshotListQuery): Promise<SnapshotPage> {
    const matches = this.#database.selectFrom('snapshots').where((where) => filters(where, accountId, query));
    const after = query.starting_after;
    const page = matches
      .$if(after !== undefined, (matching) => matching.where('id', '<', after ?? ''))
      .selectAll()
      .orderBy('id', 'desc');
    const { rows, hasMore, totalCount } = await readPage(query, matches, page);
    return { snapshots: rows, hasMore, totalCount };
  }

  /** Metadata keys in use, in order (API §2.3). */
  metadataKeys(accountId: string): Promise<string[]> {
    return metadataKeysIn(this.#database, 'snapshots', sql<SqlBool>`account_id = ${accountId} and ${listed}`);
  }

  /** Values in use of one metadata key, in order. */
  metadataValues(accountId: string, key: string): Promise<string[]> {
    return metadataValuesIn(this.#database, 'snapshots', sql<SqlBool>`account_id = ${accountId} and ${listed}`, key);
  }
}

const filters = (where: ExpressionBuilder<Schema, 'snapshots'>, accountId: string, query: SnapshotListQuery) => {
  const { devbox_id, source_blueprint_id, metadata } = query;
  return where.and([
    where('account_id', '=', accountId),
    listed,
    ...(devbox_id === undefined ? [] : [where('devbox_id', '=', devbox_id)]),
    ...(source_blueprint_id === undefined ? [] : [where('source_blueprint_id', '=', source_blueprint_id)]),
    ...nameConditions(query),
    ...metadataConditions(metadata),
  ]);
};
