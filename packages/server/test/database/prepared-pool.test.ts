import pg from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { preparedPool, StatementNames } from '../../src/database/prepared-pool.ts';
import { createTestDatabase, type TestDatabase } from '../database.ts';

describe('names of statements', () => {
  it('are given to those that come again, and stay', () => {
    const names = new StatementNames();
    expect([names.of('a'), names.of('a')]).toEqual([undefined, undefined]);
    const name = names.of('a');
    expect(name).toBeDefined();
    expect(names.of('a')).toBe(name);
    expect(names.of('b')).toBeUndefined();
  });

  it('are different for different statements, and end somewhere', () => {
    const names = new StatementNames();
    const given = Array.from({ length: 1_000 }, (_, index) => {
      names.of(`select ${index}`);
      names.of(`select ${index}`);
      return names.of(`select ${index}`);
    }).filter((name) => name !== undefined);
    expect(new Set(given).size).toBe(given.length);
    expect(given.length).toBeGreaterThan(100);
    expect(given.length).toBeLessThan(500);
  });

  it('do not remember every text that ever came', () => {
    const names = new StatementNames();
    for (let index = 0; index < 10_000; index++) {
      expect(names.of(`select ${index}`)).toBeUndefined();
    }
  });
});

describe('a pool that prepares', () => {
  let database: TestDatabase;
  let pool: pg.Pool;

  beforeEach(async () => {
    database = await createTestDatabase({ empty: true });
    pool = new pg.Pool({ connectionString: database.url, max: 1 });
  });

  afterEach(async () => {
    await pool.end();
    await database.drop();
  });

  it('answers the same whether a statement is prepared or not, with whatever parameters', async () => {
    const client = await preparedPool(pool).connect();
    for (const value of [1, 2, 3, 4, 5, null, 7]) {
      const { rows } = await client.query<{ value: number | null }>('select $1::integer as value', [value]);
      expect(rows).toEqual([{ value }]);
    }
    const prepared = await client.query<{ count: string }>('select count(*) as count from pg_prepared_statements', []);
    expect(prepared.rows).toEqual([{ count: '1' }]);
    client.release();
  });

  it('gives up a connection that is to be discarded', async () => {
    const prepared = preparedPool(pool);
    const backend = async () => {
      const client = await prepared.connect();
      const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid', []);
      return { client, pid: rows[0]?.pid };
    };
    const first = await backend();
    first.client.release(true);
    const second = await backend();
    expect(second.pid).not.toBe(first.pid);
    second.client.release();
  });
});
