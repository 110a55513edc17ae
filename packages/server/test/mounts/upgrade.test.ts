import pg from 'pg';
import { pino } from 'pino';
import { expect, it } from 'vitest';
import { connectionSettings, openDatabase } from '../../src/database/database.ts';
import { loadMigrations, migrate } from '../../src/database/migrate.ts';
import { NotificationHub } from '../../src/database/notifications.ts';
import { DevboxStore } from '../../src/devboxes/store.ts';
import { createTestDatabase } from '../database.ts';

it('keeps the files that an older version had still to place', async () => {
  const database = await createTestDatabase({ empty: true });
  const { url } = database;
  const client = new pg.Client(connectionSettings(url));
  await client.connect();
  const migrations = await loadMigrations();
  await migrate(
    url,
    migrations.filter(({ name }) => name < '0020'),
  );
  const files = { '/a b': 'text\u0000 "quoted" ü\n', '~/x': '' };
  await client.query(`insert into accounts (id, name, created_ms) values ('acc', 'a', 0)`);
  await client.query(
    `insert into devboxes (id, account_id, status, transitions, launch_parameters, wish, file_mounts, create_ms, activity_ms, status_ms)
     values ('dbx', 'acc', 'provisioning', '[]', '{}', '{}', $1, 0, 0, 0)`,
    [JSON.stringify(files)],
  );
  await client.end();
  await migrate(url, migrations);
  const log = pino({ level: 'silent' });
  const rows = openDatabase({ url, log, maximumConnections: 1 });
  const store = new DevboxStore(rows, new NotificationHub({ url, log }));
  expect((await store.find('dbx'))?.mountsLeft).toBe(1);
  expect(await store.plannedMounts('dbx')).toEqual([{ type: 'file_mount', plan: { files } }]);
  await rows.destroy();
  await database.drop();
});
