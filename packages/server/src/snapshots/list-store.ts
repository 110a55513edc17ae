import type { SnapshotListQuery } from '@berth/contract';
import { type ExpressionBuilder, type SqlBool, sql } from 'kysely';
import { containing } from '../database/containing.ts';
import type { Database } from '../database/database.ts';
import { metadataConditions } from '../database/metadata-filter.ts';
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
      .orderBy('id', 'desc')
      .limit(query.limit + 1);
    const [rows, total] = await Promise.all([
      page.execute(),
      query.include_total_count
        ? matches.select(sql<number>`count(*)`.as('count')).executeTakeFirstOrThrow()
        : undefined,
    ]);
    return {
      snapshots: rows.slice(0, query.limit),
      hasMore: rows.length > query.limit,
      totalCount: total?.count ?? null,
    };
  }

  /** Metadata keys in use, in order (API §2.3). */
  async metadataKeys(accountId: string): Promise<string[]> {
    const found = await sql<{ key: string }>`
      select distinct jsonb_object_keys(metadata) as key from snapshots where account_id = ${accountId} and ${listed} order by key
    `.execute(this.#database);
    return found.rows.map((row) => row.key);
  }

  /** Values in use of one metadata key, in order. */
  async metadataValues(accountId: string, key: string): Promise<string[]> {
    const found = await sql<{ value: string }>`
      select distinct metadata ->> ${key} as value from snapshots
      where account_id = ${accountId} and ${listed} and metadata ? ${key} order by value
    `.execute(this.#database);
    return found.rows.map((row) => row.value);
  }
}

const filters = (where: ExpressionBuilder<Schema, 'snapshots'>, accountId: string, query: SnapshotListQuery) => {
  const { devbox_id, source_blueprint_id, id, name, search, metadata } = query;
  return where.and([
    where('account_id', '=', accountId),
    listed,
    ...(devbox_id === undefined ? [] : [where('devbox_id', '=', devbox_id)]),
    ...(source_blueprint_id === undefined ? [] : [where('source_blueprint_id', '=', source_blueprint_id)]),
    ...(id === undefined ? [] : [where('id', '=', id)]),
    ...(name === undefined ? [] : [where('name', 'ilike', containing(name))]),
    ...(search === undefined
      ? []
      : [where.or([where('name', 'ilike', containing(search)), where('id', 'ilike', containing(search))])]),
    ...metadataConditions(metadata),
  ]);
};
