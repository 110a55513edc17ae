import { afterEach, expect, it } from 'vitest';
import { changeLimits, type LimitsRequest } from '../src/account-limits.ts';
import { createTestDatabase } from './database.ts';
import { eventually } from './devboxes/kit.ts';
import { startTestServer, type TestCaller, type TestServer } from './harness.ts';

const cleanUps: Array<() => Promise<unknown>> = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) {
    await cleanUp();
  }
});

const start = async (databaseUrl?: string): Promise<TestServer> => {
  const server = await startTestServer({
    admission: { quotas: { '*': { running: 7, builds: 3 } } },
    ...(databaseUrl === undefined ? {} : { databaseUrl }),
  });
  cleanUps.push(() => server.close());
  return server;
};
const set = (server: TestServer, caller: TestCaller, change: LimitsRequest['set']) =>
  changeLimits({ databaseUrl: server.databaseUrl }, { account: caller.account, set: change });
const limitOf = async (caller: TestCaller, name: string) =>
  (await caller.call('GET', '/v1/accounts/me/quotas')).json[name].limit;
const create = async (caller: TestCaller) => (await caller.call('POST', '/v1/devboxes', {})).status;

it('hold for the account that they are set for, from the next request on, and go back', async () => {
  const server = await start();
  const [one, other] = [await server.newCaller(), await server.newCaller()];
  expect(await limitOf(one, 'running_devboxes')).toBe(7);
  expect(await set(server, one, { running: 1, memoryGib: 64 })).toEqual({
    account: one.account,
    limits: { running: 1, memoryGib: 64 },
  });
  await eventually(async () => (await limitOf(one, 'running_devboxes')) === 1);
  expect(await create(one)).toBe(200);
  const refused = await one.call('POST', '/v1/devboxes', {});
  expect(refused).toMatchObject({ status: 429, json: { code: 'quotaExceeded' } });
  expect(refused.json.message).toContain('quota of 1 running devboxes: it has 1 and asks for 1 more');
  expect([await create(other), await create(other)]).toEqual([200, 200]);
  expect(await set(server, one, { running: null })).toMatchObject({ limits: { memoryGib: 64 } });
  await eventually(async () => (await limitOf(one, 'running_devboxes')) === 7);
  expect(await create(one)).toBe(200);
});

it('bound blueprints and snapshots too', async () => {
  const server = await start();
  const caller = await server.newCaller();
  await set(server, caller, { blueprints: 0 });
  await eventually(async () => (await limitOf(caller, 'blueprints')) === 0);
  expect(await caller.call('POST', '/v1/blueprints', { name: 'x' })).toMatchObject({
    status: 429,
    json: { code: 'quotaExceeded' },
  });
});

it('survive a restart, and come before the settings of the server', async () => {
  const database = await createTestDatabase();
  cleanUps.push(() => database.drop());
  const first = await startTestServer({ databaseUrl: database.url });
  const caller = await first.newCaller();
  await set(first, caller, { builds: 9 });
  await first.close();
  const second = await start(database.url);
  const again = second.callerWithKey(caller.account, caller.key);
  expect(await limitOf(again, 'builds')).toBe(9);
  expect(await limitOf(again, 'running_devboxes')).toBe(7);
});

it('are refused where they make no sense', async () => {
  const server = await start();
  const caller = await server.newCaller();
  await expect(set(server, caller, { running: -1 })).rejects.toThrow();
  await expect(set(server, caller, { runing: 1 } as LimitsRequest['set'])).rejects.toThrow();
  const request = { account: 'acc_absent', set: { running: 1 } };
  await expect(changeLimits({ databaseUrl: server.databaseUrl }, request)).rejects.toThrow('no account acc_absent');
});
