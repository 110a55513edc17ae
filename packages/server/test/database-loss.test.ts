import { afterAll, beforeAll, expect, it } from 'vitest';
import { migrate } from '../src/database/migrate.ts';
import { TestCluster } from './cluster.ts';
import { startTestServer, type TestCaller, type TestServer } from './harness.ts';

let cluster: TestCluster;
let server: TestServer;
let caller: TestCaller;

beforeAll(async () => {
  cluster = await TestCluster.create();
  await cluster.execute('create database berth');
  await migrate(cluster.url('berth'));
  server = await startTestServer({ databaseUrl: cluster.url('berth') });
  caller = await server.newCaller();
});
afterAll(async () => {
  await server.close();
  await cluster.remove();
});

it('survives a database that is killed: 503 that says so, then by itself as before', async () => {
  for (let round = 0; round < 3; round += 1) {
    expect((await caller.call('POST', '/v1/secrets', { name: `s${round}`, value: 'v' })).status).toBe(200);
    await cluster.kill();

    const away = await caller.call('GET', '/v1/secrets');
    expect(away.status).toBe(503);
    expect(away.json).toMatchObject({ code: 'databaseUnavailable', retryable: true });
    expect(away.headers.get('x-should-retry')).toBeNull();
    const write = await caller.call(
      'POST',
      '/v1/secrets',
      { name: 'lost', value: 'v' },
      { 'x-request-id': `k${round}` },
    );
    expect(write.status).toBe(503);
    const unready = await caller.call('GET', '/readyz');
    expect(unready.status).toBe(503);
    expect(unready.json.message).toContain('database');
    expect((await caller.call('GET', '/healthz')).status).toBe(200);

    await cluster.start();
    await expect.poll(async () => (await caller.call('GET', '/v1/secrets')).status, { timeout: 10_000 }).toBe(200);
    await expect.poll(async () => (await caller.call('GET', '/readyz')).status, { timeout: 10_000 }).toBe(200);
    await expect.poll(() => server.server.parts.hub.connected, { timeout: 10_000 }).toBe(true);
  }
  const names = (await caller.call('GET', '/v1/secrets')).json.secrets.map((secret: { name: string }) => secret.name);
  expect(names).toEqual(['s2', 's1', 's0']);
});

it('does not run a write twice when the database comes back between two attempts', async () => {
  const key = { 'x-request-id': 'across' };
  await cluster.kill();
  expect((await caller.call('POST', '/v1/secrets', { name: 'across', value: 'v' }, key)).status).toBe(503);
  await cluster.start();
  await expect
    .poll(async () => (await caller.call('POST', '/v1/secrets', { name: 'across', value: 'v' }, key)).status, {
      timeout: 10_000,
    })
    .toBe(200);
  const again = await caller.call('POST', '/v1/secrets', { name: 'across', value: 'v' }, key);
  expect(again.status).toBe(200);
});
