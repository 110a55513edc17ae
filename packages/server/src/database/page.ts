import { type SelectQueryBuilder, sql } from 'kysely';
import type { Schema } from './schema.ts';

/** One page of a list (API §2.2). */
export interface Page<Row> {
  readonly rows: readonly Row[];
  readonly hasMore: boolean;
  /** Null when it was not asked for. */
  readonly totalCount: number | null;
}

/** Reads the page and, where it is asked for, counts all that `matches`. `page` is one of them in the order of the list, from its start on. */
export const readPage = async <Table extends keyof Schema, Row>(
  query: { readonly limit: number; readonly include_total_count: boolean },
  matches: SelectQueryBuilder<Schema, Table, object>,
  page: SelectQueryBuilder<Schema, Table, Row>,
): Promise<Page<Row>> => {
  const [rows, total] = await Promise.all([
    page.limit(query.limit + 1).execute() as Promise<Row[]>,
    query.include_total_count ? matches.select(sql<number>`count(*)`.as('count')).executeTakeFirstOrThrow() : undefined,
  ]);
  return {
    rows: rows.slice(0, query.limit),
    hasMore: rows.length > query.limit,
    totalCount: total?.count ?? null,
  };
};
