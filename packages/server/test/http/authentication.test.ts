import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hashKey } from '../../src/api-keys/service.ts';
import { startTestServer, type TestCaller, type TestServer } from '../harness.ts';

let server: TestServer;
let caller: TestCaller;

beforeAll(async () => {
  server = await startTestServer();
  caller = await server.newCaller();
});
afterAll(() => server.close());

const me = (authorization?: string): Promise<Response> =>
  fetch(`${server.baseUrl}/v1/accounts/me`, authorization === undefined ? {} : { headers: { authorization } });

describe('API keys', () => {
  it.each([
    ['none', undefined],
    ['another scheme', 'Basic dXNlcjpwYXNz'],
    ['an empty one', 'Bearer '],
    ['an unknown key', 'Bearer ak_0000000000000000000000000000000000000000'],
    ['an unknown restricted key', 'Bearer rk_0000000000000000000000000000000000000000'],
    ['no key at all', 'Bearer hello'],
    ['a huge key', `Bearer ak_${'x'.repeat(10_000)}`],
  ])('refuses %s with 401 and words that clients look for', async (_name, header) => {
    const answer = await me(header);
    expect(answer.status).toBe(401);
    expect(await answer.text()).toMatch(/unauthorized.*invalid/i);
  });

  it('accepts a key, in any case of the scheme', async () => {
    expect((await me(`Bearer ${caller.key}`)).status).toBe(200);
    expect((await me(`bearer ${caller.key}`)).status).toBe(200);
  });

  it('stores the hash and nothing that leads back to the key', async () => {
    const rows = await server.server.parts.database
      .selectFrom('api_keys')
      .selectAll()
      .where('account_id', '=', caller.account)
      .execute();
    expect(rows[0]?.hash.equals(hashKey(caller.key))).toBe(true);
    expect(JSON.stringify(rows)).not.toContain(caller.key);
  });

  it('refuses a key once it has expired, also when it is cached', async () => {
    const made = await caller.call('POST', '/v1/apikeys', { name: 'short', expires_at_ms: Date.now() + 400 });
    expect(made.status).toBe(200);
    const header = `Bearer ${made.json.key_secret}`;
    expect((await me(header)).status).toBe(200);
    await expect.poll(async () => (await me(header)).status).toBe(401);
  });

  it('shuts out a disabled account as soon as the change is announced', async () => {
    const other = await server.newCaller();
    expect((await other.call('GET', '/v1/accounts/me')).status).toBe(200);
    await server.server.parts.database.transaction().execute(async (transaction) => {
      await transaction.updateTable('accounts').set({ disabled: true }).where('id', '=', other.account).execute();
      await transaction
        .selectNoFrom((select) => select.fn('pg_notify', [select.val('berth'), select.val('api-keys')]).as('sent'))
        .execute();
    });
    await expect.poll(async () => (await other.call('GET', '/v1/accounts/me')).status).toBe(403);
    expect((await other.call('GET', '/v1/accounts/me')).json.message).toContain('no devbox capability');
  });
});

describe('restricted keys', () => {
  const restricted = async (scopes: unknown): Promise<TestCaller> => {
    const made = await server.newCaller();
    await server.server.parts.database
      .updateTable('api_keys')
      .set({ scopes: JSON.stringify(scopes) })
      .where('account_id', '=', made.account)
      .execute();
    return made;
  };

  it('may do what a scope allows and no more', async () => {
    const reader = await restricted([{ resource_type: 'RESOURCE_TYPE_ACCOUNT', access_level: 'ACCESS_LEVEL_READ' }]);
    expect((await reader.call('GET', '/v1/secrets')).status).toBe(200);
    const refused = await reader.call('POST', '/v1/secrets', { name: 'x', value: 'y' });
    expect(refused.status).toBe(403);
    expect(refused.json.code).toBe('forbidden');
  });

  it('may do nothing without scopes', async () => {
    const nothing = await restricted([]);
    expect((await nothing.call('GET', '/v1/accounts/me')).status).toBe(403);
  });

  it('may write and read with a write scope', async () => {
    const writer = await restricted([{ resource_type: 'RESOURCE_TYPE_ACCOUNT', access_level: 'ACCESS_LEVEL_WRITE' }]);
    expect((await writer.call('POST', '/v1/secrets', { name: 'x', value: 'y' })).status).toBe(200);
    expect((await writer.call('GET', '/v1/secrets/x')).status).toBe(200);
  });
});

describe('account and key endpoints', () => {
  it('shows the account of the key', async () => {
    const answer = await caller.call('GET', '/v1/accounts/me');
    expect(answer.json).toMatchObject({ id: caller.account, name: 'test', account_status: 'ACCOUNT_STATUS_ENABLED' });
    expect(answer.json.billing.account_billing_type).toBeDefined();
    expect(Number.isNaN(Date.parse(answer.json.created_at))).toBe(false);
  });

  it('makes a key that works, with and without a body', async () => {
    const named = await caller.call('POST', '/v1/apikeys', { name: 'ci' });
    expect(named.json).toMatchObject({ name: 'ci', expires_at_ms: null });
    expect(named.json.key_secret).toMatch(/^ak_[0-9A-Za-z]{40}$/);
    const plain = await caller.call('POST', '/v1/apikeys', '');
    expect((await me(`Bearer ${plain.json.key_secret}`)).status).toBe(200);
  });

  it('refuses an expiry in the past', async () => {
    expect((await caller.call('POST', '/v1/apikeys', { expires_at_ms: 1 })).status).toBe(400);
  });

  it('never keeps the secret of a key among remembered answers', async () => {
    const made = await caller.call('POST', '/v1/apikeys', {}, { 'x-request-id': 'once' });
    const rows = await server.server.parts.database.selectFrom('idempotent_requests').selectAll().execute();
    expect(JSON.stringify(rows)).not.toContain(made.json.key_secret);
  });
});
