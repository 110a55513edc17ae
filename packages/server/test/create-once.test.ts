import { newId } from '@berth/contract';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Database, openDatabase } from '../src/database/database.ts';
import { createOnce } from '../src/idempotency/create-once.ts';
import { createTestDatabase, type TestDatabase } from './database.ts';

let test: TestDatabase;
let database: Database;

beforeAll(async () => {
  test = await createTestDatabase();
  database = openDatabase({ url: test.url, log: pino({ level: 'silent' }) });
});
afterAll(async () => {
  await database.destroy();
  await test.drop();
});

const insertAccount = (id: string) => async (transaction: Database) => {
  await transaction.insertInto('accounts').values({ id, name: 'x', created_ms: 1 }).execute();
};

const create = (token: string | undefined) => {
  const id = newId('account');
  return createOnce(database, token, id, insertAccount(id));
};

const exists = async (id: string): Promise<boolean> =>
  (await database.selectFrom('accounts').select('id').where('id', '=', id).executeTakeFirst()) !== undefined;

describe('createOnce', () => {
  it('makes one resource for one token, also for many at once', async () => {
    const all = await Promise.all(Array.from({ length: 10 }, () => create('token')));
    expect(new Set(all.map(({ id }) => id)).size).toBe(1);
    expect(all.filter(({ created }) => created)).toHaveLength(1);
    expect(await exists(all[0]?.id ?? '')).toBe(true);
  });

  it('finds what another server made before it was killed', async () => {
    const first = await create('lost answer');
    expect(await create('lost answer')).toEqual({ id: first.id, created: false });
  });

  it('makes a new one for each call without a token', async () => {
    const [one, two] = [await create(undefined), await create(undefined)];
    expect(one.id).not.toBe(two.id);
  });

  it('leaves the token free when the creation fails', async () => {
    const failed = createOnce(database, 'fails', newId('account'), () => Promise.reject(new Error('no')));
    await expect(failed).rejects.toThrow('no');
    expect((await create('fails')).created).toBe(true);
  });
});
