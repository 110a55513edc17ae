import { type RawBuilder, type SqlBool, sql } from 'kysely';
import { containing } from './containing.ts';

/** What lists of everything that has an id and a name can ask for (API §2.3); `search` looks at both. */
export interface NameFilter {
  readonly id?: string | undefined;
  readonly name?: string | undefined;
  readonly search?: string | undefined;
}

/** Conditions on columns `id` and `name`, all of which must hold. */
export const nameConditions = ({ id, name, search }: NameFilter): RawBuilder<SqlBool>[] => [
  ...(id === undefined ? [] : [sql<SqlBool>`id = ${id}`]),
  ...(name === undefined ? [] : [sql<SqlBool>`name ilike ${containing(name)}`]),
  ...(search === undefined ? [] : [sql<SqlBool>`(name ilike ${containing(search)} or id ilike ${containing(search)})`]),
];
