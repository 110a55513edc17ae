import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Authentication } from '../src/api-keys/authentication.ts';
import { bootstrap } from '../src/bootstrap.ts';
import { openDatabase } from '../src/database/database.ts';
import { readMasterKey } from '../src/secrets/master-key.ts';
import { SecretService } from '../src/secrets/service.ts';
import { createTestDatabase, type TestDatabase } from './database.ts';

let database: TestDatabase;
let directory: string;

beforeEach(async () => {
  database = await createTestDatabase({ empty: true });
  directory = await mkdtemp(join(tmpdir(), 'berth-bootstrap-'));
});
afterEach(async () => {
  await database.drop();
  await rm(directory, { recursive: true });
});

const config = () => ({ databaseUrl: database.url, masterKeyFile: join(directory, 'master.key') });

const withDatabase = async <Value>(
  work: (opened: ReturnType<typeof openDatabase>) => Promise<Value>,
): Promise<Value> => {
  const opened = openDatabase({ url: database.url, log: pino({ level: 'silent' }) });
  try {
    return await work(opened);
  } finally {
    await opened.destroy();
  }
};

describe('bootstrap', () => {
  it('readies an empty database: schema, master key, account, a key that works', async () => {
    const result = await bootstrap(config());
    expect(result.migrations).toContain('0001-accounts.sql');
    expect(result.apiKey).toMatch(/^ak_/);
    await withDatabase(async (opened) => {
      const caller = await new Authentication(opened).authenticate({ authorization: `Bearer ${result.apiKey}` });
      expect(caller.account).toMatch(/^acc_/);
    });
    await readMasterKey(config().masterKeyFile);
  });

  it('changes nothing the second time', async () => {
    await bootstrap(config());
    const key = await readMasterKey(config().masterKeyFile);
    expect(await bootstrap(config())).toEqual({ migrations: [] });
    expect((await readMasterKey(config().masterKeyFile)).id).toBe(key.id);
  });

  it('makes another key of the same account when the first was lost', async () => {
    const first = await bootstrap(config());
    const second = await bootstrap(config(), { needKey: true });
    expect(second.apiKey).not.toBe(first.apiKey);
    await withDatabase(async (opened) => {
      const authentication = new Authentication(opened);
      const [one, two] = await Promise.all(
        [first, second].map(({ apiKey }) => authentication.authenticate({ authorization: `Bearer ${apiKey}` })),
      );
      expect(one?.account).toBe(two?.account);
    });
  });

  it('refuses to go on with a new master key while secrets of the old one are there', async () => {
    await bootstrap(config());
    const masterKey = await readMasterKey(config().masterKeyFile);
    await withDatabase(async (opened) => {
      const account = await opened.selectFrom('accounts').select('id').executeTakeFirstOrThrow();
      await new SecretService({ database: opened, masterKey }).create(account.id, { name: 'a', value: 'b' });
    });
    await rm(config().masterKeyFile);
    await expect(bootstrap(config())).rejects.toThrow('ENOENT');
    const other = { ...config(), masterKeyFile: join(directory, 'other.key') };
    const { createMasterKey } = await import('../src/secrets/master-key.ts');
    await createMasterKey(other.masterKeyFile);
    await expect(bootstrap(other)).rejects.toThrow('not the master key');
  });
});
