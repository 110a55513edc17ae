import { newId } from '@berth/contract';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestCaller, type TestServer } from './harness.ts';

let server: TestServer;
let caller: TestCaller;

beforeAll(async () => {
  server = await startTestServer();
  caller = await server.newCaller();
});
afterAll(() => server.close());

const create = (name: string, value = 'v') => caller.call('POST', '/v1/secrets', { name, value });

describe('secrets by name', () => {
  it('creates one and never shows its value', async () => {
    const created = await create('first-169-ab12cd', 'hush');
    expect(created.status).toBe(200);
    expect(created.json).toEqual({
      id: expect.stringMatching(/^sec_[0-9A-Za-z]{21}$/),
      name: 'first-169-ab12cd',
      create_time_ms: expect.any(Number),
      update_time_ms: created.json.create_time_ms,
    });
    const seen = [
      created,
      await caller.call('GET', '/v1/secrets/first-169-ab12cd'),
      await caller.call('GET', '/v1/secrets'),
      await caller.call('POST', '/v1/secrets/first-169-ab12cd', { value: 'hush2' }),
    ];
    expect(JSON.stringify(seen)).not.toContain('hush');
  });

  it('refuses a name that is taken with 400, and leaves the first one alone', async () => {
    const first = await create('taken', 'one');
    const second = await create('taken', 'two');
    expect(second.status).toBe(400);
    expect(second.json.code).toBe('duplicateName');
    expect((await caller.call('GET', '/v1/secrets/taken')).json.id).toBe(first.json.id);
    expect(await server.server.parts.secrets.reveal(caller.account, ['taken'])).toEqual(new Map([['taken', 'one']]));
  });

  it.each(['!@#', '', 'a b', 'ä', 'a/b', 'x'.repeat(257), 'a\n'])('refuses the name %j with 400', async (name) => {
    expect((await create(name)).status).toBe(400);
  });

  it('updates the value and its time', async () => {
    const created = await create('changing', 'one');
    const updated = await caller.call('POST', '/v1/secrets/changing', { value: 'zwei ✓' });
    expect(updated.json.id).toBe(created.json.id);
    expect(updated.json.update_time_ms).toBeGreaterThanOrEqual(created.json.update_time_ms);
    expect((await server.server.parts.secrets.reveal(caller.account, ['changing', 'unknown'])).get('changing')).toBe(
      'zwei ✓',
    );
  });

  it('deletes at once: gone from view and list, the name is free again', async () => {
    const created = await create('passing');
    expect((await caller.call('POST', '/v1/secrets/passing/delete', '')).json.id).toBe(created.json.id);
    expect((await caller.call('GET', '/v1/secrets/passing')).status).toBe(404);
    expect((await caller.call('POST', '/v1/secrets/passing/delete', '')).status).toBe(404);
    const list = await caller.call('GET', '/v1/secrets?limit=5000');
    expect(JSON.stringify(list.json)).not.toContain(created.json.id);
    expect((await create('passing')).status).toBe(200);
  });

  it('answers the HTTP DELETE form with 405', async () => {
    await create('kept');
    expect((await caller.call('DELETE', '/v1/secrets/kept')).status).toBe(405);
    expect((await caller.call('GET', '/v1/secrets/kept')).status).toBe(200);
  });

  it('serves a secret that is named like a part of a route', async () => {
    await create('id');
    expect((await caller.call('GET', '/v1/secrets/id')).json.name).toBe('id');
    expect((await caller.call('POST', '/v1/secrets/id/delete', '')).json.name).toBe('id');
  });
});

describe('secrets by id', () => {
  it('views, updates and deletes', async () => {
    const { id } = (await create('by-id', 'one')).json;
    expect((await caller.call('GET', `/v1/secrets/id/${id}`)).json.name).toBe('by-id');
    expect((await caller.call('POST', `/v1/secrets/id/${id}/update`, { value: 'two' })).status).toBe(200);
    expect((await server.server.parts.secrets.reveal(caller.account, ['by-id'])).get('by-id')).toBe('two');
    expect((await caller.call('POST', `/v1/secrets/id/${id}/delete`, '')).status).toBe(200);
    expect((await caller.call('GET', `/v1/secrets/id/${id}`)).status).toBe(404);
  });

  it('answers a malformed id with 400 and an unknown one with 404', async () => {
    expect((await caller.call('GET', '/v1/secrets/id/sec_nonexistent12345')).status).toBe(400);
    expect((await caller.call('GET', `/v1/secrets/id/${newId('secret')}`)).status).toBe(404);
  });
});

describe('listing', () => {
  it('pages newest first with an exact count', async () => {
    const other = await server.newCaller();
    for (const name of ['a', 'b', 'c']) {
      await other.call('POST', '/v1/secrets', { name, value: 'v' });
    }
    const all = await other.call('GET', '/v1/secrets');
    expect(all.json.secrets.map((secret: { name: string }) => secret.name)).toEqual(['c', 'b', 'a']);
    expect(all.json).toMatchObject({ has_more: false, total_count: 3 });
    const first = await other.call('GET', '/v1/secrets?limit=2');
    expect(first.json.secrets).toHaveLength(2);
    expect(first.json).toMatchObject({ has_more: true, total_count: 3 });
  });

  it.each(['0', '-1', '5001', 'many', '1e3'])('refuses limit=%s with 400', async (limit) => {
    expect((await caller.call('GET', `/v1/secrets?limit=${limit}`)).status).toBe(400);
  });

  it('shows 20 unless told otherwise', async () => {
    const other = await server.newCaller();
    await Promise.all(
      Array.from({ length: 21 }, (_, index) => other.call('POST', '/v1/secrets', { name: `s${index}`, value: '' })),
    );
    expect((await other.call('GET', '/v1/secrets')).json.secrets).toHaveLength(20);
  });
});

describe('at rest', () => {
  it('holds no value in clear text', async () => {
    await create('sealed', 'very-recognisable-value');
    const rows = await server.server.parts.database.selectFrom('secrets').selectAll().execute();
    expect(rows.some((row) => row.sealed_value.includes('very-recognisable-value'))).toBe(false);
  });

  it('opens a value only for the secret it was sealed for', async () => {
    const { id } = (await create('moved-from', 'mine')).json;
    const thief = await create('moved-to', 'other');
    const { database } = server.server.parts;
    const { sealed_value } = await database
      .selectFrom('secrets')
      .select('sealed_value')
      .where('id', '=', id)
      .executeTakeFirstOrThrow();
    await database.updateTable('secrets').set({ sealed_value }).where('id', '=', thief.json.id).execute();
    await expect(server.server.parts.secrets.reveal(caller.account, ['moved-to'])).rejects.toThrow();
  });
});
