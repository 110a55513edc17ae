import { z } from 'zod';

/** Bounds of `limit` (API §2.2). */
export const defaultPageLimit = 20;
export const maximumPageLimit = 5000;

/** A boolean in a query string. */
export const queryBoolean = z.enum(['true', 'false', '1', '0']).transform((text) => text === 'true' || text === '1');

/** A whole number in a query string. */
export const queryInteger = (minimum: number, maximum: number) =>
  z
    .string()
    .regex(/^-?\d{1,15}$/, 'must be a whole number')
    .transform(Number)
    .pipe(z.int().min(minimum).max(maximum));

/** Query of every list. */
export const pageQuery = z.object({
  limit: queryInteger(1, maximumPageLimit).default(defaultPageLimit),
  starting_after: z.string().max(200).optional(),
  include_total_count: queryBoolean.default(true),
});

export type PageQuery = z.output<typeof pageQuery>;

/** Shape of every list answer: the items under the collection's own key, newest first. */
export const page = <Key extends string, Item extends z.ZodType>(key: Key, item: Item) =>
  z.object({
    ...({ [key]: z.array(item) } as { [K in Key]: z.ZodArray<Item> }),
    has_more: z.boolean(),
    total_count: z.int().nullable().optional(),
  });
