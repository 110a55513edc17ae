import type { BlueprintListQuery } from '@berth/contract';
import { type ExpressionBuilder, type SqlBool, sql } from 'kysely';
import type { Database } from '../database/database.ts';
import { metadataConditions } from '../database/metadata-filter.ts';
import { metadataKeysIn, metadataValuesIn } from '../database/metadata-in-use.ts';
import { nameConditions } from '../database/name-filter.ts';
import { readPage } from '../database/page.ts';
import type { Schema } from '../database/schema.ts';
import type { Blueprint } from './blueprint.ts';

export interface BlueprintPage {
  readonly blueprints: readonly Blueprint[];
  readonly hasMore: boolean;
  readonly totalCount: number | null;
}

/** Whose blueprints are listed: those of one account, or those for everybody. */
export type BlueprintOwner = { readonly accountId: string } | 'public';

/** Lists of blueprints that are not deleted. */
export class BlueprintListStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Newest first; with a filter by name, exact hits come before partial ones (API §2.2). */
  async page(owner: BlueprintOwner, query: BlueprintListQuery): Promise<BlueprintPage> {
    const { name, starting_after: after } = query;
    const matches = this.#database.selectFrom('blueprints').where((where) => filters(where, owner, query));
    const exact = name === undefined ? sql<boolean>`false` : sql<boolean>`(blueprints.name = ${name})`;
    const afterExact = sql<boolean>`coalesce((select ${exact} from blueprints where id = ${after ?? null}), false)`;
    const page = matches
      .$if(after !== undefined, (matching) => matching.where(sql<SqlBool>`(${exact}, id) < (${afterExact}, ${after})`))
      .selectAll()
      .$if(name !== undefined, (matching) => matching.orderBy(exact, 'desc'))
      .orderBy('id', 'desc');
    const { rows, hasMore, totalCount } = await readPage(query, matches, page);
    return { blueprints: rows, hasMore, totalCount };
  }

  /** Metadata keys in use, in order (API §2.3). */
  metadataKeys(owner: BlueprintOwner): Promise<string[]> {
    return metadataKeysIn(this.#database, 'blueprints', sql<SqlBool>`${ownedBy(owner)} and not deleted`);
  }

  /** Values in use of one metadata key, in order. */
  metadataValues(owner: BlueprintOwner, key: string): Promise<string[]> {
    return metadataValuesIn(this.#database, 'blueprints', sql<SqlBool>`${ownedBy(owner)} and not deleted`, key);
  }
}

const ownedBy = (owner: BlueprintOwner) =>
  owner === 'public' ? sql<SqlBool>`is_public` : sql<SqlBool>`account_id = ${owner.accountId}`;

const filters = (where: ExpressionBuilder<Schema, 'blueprints'>, owner: BlueprintOwner, query: BlueprintListQuery) =>
  where.and([
    ownedBy(owner),
    where('deleted', '=', false),
    ...(query.status === undefined
      ? []
      : query.status === 'awaiting_upload'
        ? [sql<SqlBool>`false`]
        : [where('status', '=', query.status)]),
    ...nameConditions(query),
    ...metadataConditions(query.metadata),
  ]);
