import type { MetadataFilter } from '@berth/contract';
import { type RawBuilder, type SqlBool, sql } from 'kysely';

/** Conditions on a column `metadata`, all of which must hold. */
export const metadataConditions = (filter: MetadataFilter): RawBuilder<SqlBool>[] => {
  const entries = Object.entries(filter);
  const single = entries.filter(([, values]) => values.length === 1).map(([key, [value]]) => [key, value]);
  const several = entries.filter(([, values]) => values.length !== 1);
  return [
    ...(single.length === 0 ? [] : [sql<SqlBool>`metadata @> ${JSON.stringify(Object.fromEntries(single))}::jsonb`]),
    ...several.map(([key, values]) => sql<SqlBool>`metadata ->> ${key} = any(${[...values]}::text[])`),
  ];
};
