import type { BlueprintListQuery } from '@berth/contract';
import { type ExpressionBuilder, type SqlBool, sql } from 'kysely';
import { containing } from '../database/containing.ts';
import type { Database } from '../database/database.ts';
import { metadataConditions } from '../database/metadata-filter.ts';
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
      .orderBy('id', 'desc')
      .limit(query.limit + 1);
    const [rows, total] = await Promise.all([
      page.execute(),
      query.include_total_count
        ? matches.select(sql<number>`count(*)`.as('count')).executeTakeFirstOrThrow()
        : undefined,
    ]);
    return {
      blueprints: rows.slice(0, query.limit),
      hasMore: rows.length > query.limit,
      totalCount: total?.count ?? null,
    };
  }

  /** Metadata keys in use, in order (API §2.3). */
  async metadataKeys(owner: BlueprintOwner): Promise<string[]> {
    const found = await sql<{ key: string }>`
      select distinct jsonb_object_keys(metadata) as key from blueprints where ${ownedBy(owner)} and not deleted order by key
    `.execute(this.#database);
    return found.rows.map((row) => row.key);
  }

  /** Values in use of one metadata key, in order. */
  async metadataValues(owner: BlueprintOwner, key: string): Promise<string[]> {
    const found = await sql<{ value: string }>`
      select distinct metadata ->> ${key} as value from blueprints
      where ${ownedBy(owner)} and not deleted and metadata ? ${key} order by value
    `.execute(this.#database);
    return found.rows.map((row) => row.value);
  }
}

const ownedBy = (owner: BlueprintOwner) =>
  owner === 'public' ? sql<SqlBool>`is_public` : sql<SqlBool>`account_id = ${owner.accountId}`;

const filters = (
  where: ExpressionBuilder<Schema, 'blueprints'>,
  owner: BlueprintOwner,
  { status, id, name, search, metadata }: BlueprintListQuery,
) =>
  where.and([
    ownedBy(owner),
    where('deleted', '=', false),
    ...(status === undefined
      ? []
      : status === 'awaiting_upload'
        ? [sql<SqlBool>`false`]
        : [where('status', '=', status)]),
    ...(id === undefined ? [] : [where('id', '=', id)]),
    ...(name === undefined ? [] : [where('name', 'ilike', containing(name))]),
    ...(search === undefined
      ? []
      : [where.or([where('name', 'ilike', containing(search)), where('id', 'ilike', containing(search))])]),
    ...metadataConditions(metadata),
  ]);
