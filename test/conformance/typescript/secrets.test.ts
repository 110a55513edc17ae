import { afterEach, describe, expect, it } from 'vitest';
import { refusal, unknownId } from '../../platform/answers.ts';
import { rawClient, request, sdkClient, shared, transports } from '../../platform/clients.ts';

describe.each(transports)('secrets over %s (API §18, §27)', (transport) => {
  const client = rawClient(transport);
  const made = new Set<string>();
  const create = async (value = 'value') => {
    const name = `xyz-1690000000-${crypto.randomUUID().slice(0, 6)}`;
    made.add(name);
    return client.secrets.create({ name, value });
  };
  afterEach(async () => {
    await Promise.all([...made].map((name) => client.secrets.delete(name).catch(() => undefined)));
    made.clear();
  });

  it('are created, read, updated and deleted by name, and never show their value', async () => {
    const secret = await create('the-hidden-value');
    expect(secret.id).toMatch(/^sec_/);
    expect(await client.secrets.retrieve(secret.name)).toEqual(secret);
    const updated = await client.secrets.update(secret.name, { value: 'the-hidden-value-2' });
    expect(updated).toMatchObject({ id: secret.id, name: secret.name, create_time_ms: secret.create_time_ms });
    expect(updated.update_time_ms).toBeGreaterThanOrEqual(secret.update_time_ms);
    expect(JSON.stringify([secret, updated, await client.secrets.list()])).not.toContain('hidden');
    expect(await client.secrets.delete(secret.name)).toMatchObject({ name: secret.name });
    expect((await refusal(client.secrets.retrieve(secret.name))).status).toBe(404);
  });

  it('are listed newest first, and vanish at once when deleted', async () => {
    const [first, second] = [await create(), await create()];
    const { secrets, total_count } = await client.secrets.list({ limit: 10 });
    expect(secrets.slice(0, 2).map((one) => one.name)).toEqual([second.name, first.name]);
    await client.secrets.delete(second.name);
    const after = await client.secrets.list();
    expect(after.secrets.map((one) => one.name)).not.toContain(second.name);
    expect(after.total_count).toBe((total_count ?? 0) - 1);
    expect((await request('/v1/secrets?limit=0')).status).toBe(400);
  });

  it('are reached by id too', async () => {
    const secret = await create();
    const path = `/v1/secrets/id/${secret.id}`;
    expect(await (await request(path)).json()).toEqual(secret);
    const updated = await request(`${path}/update`, { method: 'POST', body: '{"value":"new"}' });
    expect([updated.status, await updated.json()]).toEqual([200, expect.objectContaining({ id: secret.id })]);
    expect((await request(`${path}/delete`, { method: 'POST' })).status).toBe(200);
    expect((await request(path)).status).toBe(404);
    expect((await request(`/v1/secrets/id/${unknownId('sec')}`)).status).toBe(404);
  });

  it('are unique by name; a second one is a 400 that nobody retries', async () => {
    const { name } = await create();
    const answer = await refusal(client.secrets.create({ name, value: 'again' }));
    expect(answer).toMatchObject({ status: 400, message: expect.stringMatching(/exist/i) });
  });

  it('refuse names and bodies that are none', async () => {
    for (const body of [
      '{}',
      '{"name":"a"}',
      '{"name":"","value":"x"}',
      '{"name":"!@#","value":"x"}',
      '{"name":7,"value":"x"}',
    ]) {
      const answer = await request('/v1/secrets', { method: 'POST', body });
      expect([body, answer.status]).toEqual([body, 400]);
    }
    const long = JSON.stringify({ name: 'x'.repeat(10_000), value: 'x' });
    expect((await request('/v1/secrets', { method: 'POST', body: long })).status).toBe(400);
  });

  it('do not fall over a DELETE', async () => {
    const { name } = await create();
    expect((await request(`/v1/secrets/${name}`, { method: 'DELETE' })).status).toBeLessThan(500);
  });

  it('work through the object-oriented client', async () => {
    const sdk = sdkClient(transport);
    const name = `object-${crypto.randomUUID()}`;
    made.add(name);
    const secret = await sdk.secret.create({ name, value: 'x' });
    expect((await secret.getInfo()).name).toBe(name);
    await secret.update({ value: 'y' });
    expect((await sdk.secret.list()).map((one) => one.name)).toContain(name);
    await secret.delete();
  });
});

describe('account and keys (API §22)', () => {
  it('tells who calls', async () => {
    const me = await rawClient().accounts.me();
    expect(me).toMatchObject({
      account_status: 'ACCOUNT_STATUS_ENABLED',
      id: expect.stringMatching(/\S/),
      name: expect.any(String),
    });
    expect(me.tier).toMatch(/^ACCOUNT_TIER_/);
    expect(me.billing).toBeTypeOf('object');
    expect(me.created_at).toEqual(expect.any(String));
  });

  it('makes keys that work, and that end', async () => {
    const created = await rawClient().apikeys.create({ name: 'second' });
    expect(created).toMatchObject({ name: 'second', key_secret: expect.stringMatching(/^ak_/) });
    const second = rawClient('http2', { ...shared(), apiKey: created.key_secret ?? '' });
    expect((await second.accounts.me()).id).toBe((await rawClient().accounts.me()).id);
    const short = await rawClient().apikeys.create({ name: 'short', expires_at_ms: Date.now() + 5_000 });
    const key = short.key_secret ?? '';
    expect((await request('/v1/accounts/me', { key })).status).toBe(200);
    const status = async () => (await request('/v1/accounts/me', { key })).status;
    await expect.poll(status, { timeout: 30_000, interval: 500 }).toBe(401);
    const past = refusal(rawClient().apikeys.create({ name: 'past', expires_at_ms: 1 }));
    expect((await past).status).toBe(400);
  });

  it('answers 401 in words that clients look for', async () => {
    for (const key of [null, '', 'ak_wrong', 'x'.repeat(9_000), "' OR 1=1 --"]) {
      const answer = await request('/v1/devboxes', { key });
      expect(answer.status).toBe(401);
      const { message } = (await answer.json()) as { message: string };
      expect(message.toLowerCase()).toMatch(/unauthorized|invalid|authentication/);
    }
  });
});
