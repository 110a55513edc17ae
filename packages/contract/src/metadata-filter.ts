import type { z } from 'zod';

const parameterName = /^metadata\[([^\]]{1,256})\](\[in\])?$/;

/** Values of which one is wanted, by metadata key. */
export type MetadataFilter = Readonly<Record<string, readonly string[]>>;

/**
 * Reads `metadata[key]=value` and `metadata[key][in]=one,other` (API §2.3) from the query parameters that nobody else has taken. Several keys
 * may be given; of one key, both forms at once are refused.
 */
export const readMetadataFilter = (
  others: Readonly<Record<string, unknown>>,
  context: z.core.$RefinementCtx,
): MetadataFilter => {
  const filter: Record<string, readonly string[]> = {};
  for (const [parameter, value] of Object.entries(others)) {
    const [, key, isIn] = parameterName.exec(parameter) ?? [];
    if (key === undefined) {
      continue;
    }
    if (typeof value !== 'string' || Object.hasOwn(filter, key)) {
      context.addIssue({ code: 'custom', path: [parameter], message: 'must be given once' });
    } else {
      filter[key] = isIn === undefined ? [value] : value.split(',');
    }
  }
  return filter;
};
