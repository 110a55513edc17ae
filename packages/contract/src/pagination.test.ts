import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { page, pageQuery, queryBoolean } from './pagination.ts';

describe('the query of a list', () => {
  it('has defaults', () => {
    expect(pageQuery.parse({})).toEqual({ limit: 20, include_total_count: true });
  });

  it.each([
    ['1', 1],
    ['5000', 5000],
    ['007', 7],
  ])('reads limit=%s', (limit, wanted) => {
    expect(pageQuery.parse({ limit }).limit).toBe(wanted);
  });

  it.each(['0', '-1', '5001', '', ' 1', '1.5', '1e3', 'x', '99999999999999999999', ['1', '2'], null])(
    'refuses limit=%j',
    (limit) => {
      expect(pageQuery.safeParse({ limit }).success).toBe(false);
    },
  );

  it('reads include_total_count', () => {
    expect(pageQuery.parse({ include_total_count: 'false' }).include_total_count).toBe(false);
    expect(queryBoolean.safeParse('maybe').success).toBe(false);
  });

  it('bounds the cursor', () => {
    expect(pageQuery.safeParse({ starting_after: 'x'.repeat(201) }).success).toBe(false);
  });
});

describe('the answer of a list', () => {
  const schema = page('things', z.object({ id: z.string() }));

  it('names its collection', () => {
    expect(schema.parse({ things: [{ id: 'a' }], has_more: false, total_count: 1 }).things).toEqual([{ id: 'a' }]);
    expect(schema.parse({ things: [], has_more: false }).total_count).toBeUndefined();
  });

  it('refuses what is no page', () => {
    expect(schema.safeParse({ items: [], has_more: false }).success).toBe(false);
    expect(schema.safeParse({ things: [] }).success).toBe(false);
  });
});
