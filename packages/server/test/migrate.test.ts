import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadMigrations, type Migration, migrate } from '../src/database/migrate.ts';
import { createTestDatabase, type TestDatabase } from './database.ts';

let database: TestDatabase;
beforeEach(async () => {
  database = await createTestDatabase({ empty: true });
});
afterEach(() => database.drop());

const migration = (name: string, sql: string, checksum = name): Migration => ({ name, sql, checksum });
const first = migration('0001-a.sql', 'create table a (id int)');
const second = migration('0002-b.sql', 'create table b (id int); insert into b values (1)');

const query = async (text: string): Promise<unknown[]> => {
  const client = new pg.Client(database.url);
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
};

describe('migrate', () => {
  it('applies what is new, once, in order', async () => {
    expect(await migrate(database.url, [first])).toEqual(['0001-a.sql']);
    expect(await migrate(database.url, [first, second])).toEqual(['0002-b.sql']);
    expect(await migrate(database.url, [first, second])).toEqual([]);
    expect(await query('select * from b')).toEqual([{ id: 1 }]);
  });

  it('applies once when several servers start at the same time', async () => {
    const all = await Promise.all(Array.from({ length: 5 }, () => migrate(database.url, [first, second])));
    expect(all.flat()).toEqual(['0001-a.sql', '0002-b.sql']);
  });

  it('refuses a file that was changed after it had been applied', async () => {
    await migrate(database.url, [first]);
    await expect(migrate(database.url, [{ ...first, checksum: 'other' }])).rejects.toThrow('was changed');
  });

  it('refuses a database of a newer version', async () => {
    await migrate(database.url, [first, second]);
    await expect(migrate(database.url, [first])).rejects.toThrow('does not know');
  });

  it('leaves nothing of a migration that fails', async () => {
    const broken = migration('0002-broken.sql', 'create table c (id int); select nonsense');
    await expect(migrate(database.url, [first, broken])).rejects.toThrow('0002-broken.sql');
    expect(await query("select to_regclass('c') as c, to_regclass('a') as a")).toEqual([{ c: null, a: 'a' }]);
    expect(await migrate(database.url, [first, second])).toEqual(['0002-b.sql']);
  });
});

describe('loadMigrations', () => {
  it('reads the files in order and skips what is none', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'berth-migrations-'));
    try {
      await writeFile(join(directory, '0002-b.sql'), 'select 2');
      await writeFile(join(directory, '0001-a.sql'), 'select 1');
      await writeFile(join(directory, 'README.md'), '');
      const found = await loadMigrations(pathToFileURL(`${directory}/`));
      expect(found.map((file) => [file.name, file.sql])).toEqual([
        ['0001-a.sql', 'select 1'],
        ['0002-b.sql', 'select 2'],
      ]);
      expect(new Set(found.map((file) => file.checksum)).size).toBe(2);
    } finally {
      await rm(directory, { recursive: true });
    }
  });

  it('numbers the files of the server without gaps in meaning: no number twice', async () => {
    const numbers = (await loadMigrations()).map((file) => file.name.slice(0, 4));
    expect(new Set(numbers).size).toBe(numbers.length);
  });
});
