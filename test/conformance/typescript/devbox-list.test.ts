import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { refusal } from '../../platform/answers.ts';
import { rawClient, request } from '../../platform/clients.ts';

/** Parameters that the service takes and the client's types do not name. */
type Query = Parameters<ReturnType<typeof rawClient>['devboxes']['list']>[0];
const query = (value: Record<string, string | number | boolean>): Query => value as Query;

describe('list devboxes (API §2.2)', () => {
  const client = rawClient();
  const mark = `list-${crypto.randomUUID().slice(0, 8)}`;
  const names = [0, 1, 2, 3, 4].map((index) => `${mark}-${index}`);
  let ids: string[] = [];

  beforeAll(async () => {
    for (const name of names) {
      ids.push((await client.devboxes.create({ name, launch_parameters: { resource_size_request: 'X_SMALL' } })).id);
    }
    await client.devboxes.awaitRunning(ids[0] ?? '');
    await client.devboxes.shutdown(ids[1] ?? '');
  });
  afterAll(async () => {
    await Promise.all(ids.map((id) => client.devboxes.shutdown(id)));
    ids = [];
  });

  it('answers newest first, with an exact count', async () => {
    const page = await client.devboxes.list(query({ search: mark }));
    expect(page.devboxes.map((box) => box.id)).toEqual([...ids].reverse());
    expect(page).toMatchObject({ has_more: false, total_count: 5 });
  });

  it('has the newest in a first page of ten', async () => {
    const page = await client.devboxes.list({ limit: 10 });
    expect(page.devboxes.map((box) => box.id)).toContain(ids[4]);
  });

  it('pages by the id of the last item', async () => {
    const first = await client.devboxes.list(query({ search: mark, limit: 2 }));
    expect(first.devboxes.map((box) => box.id)).toEqual([ids[4], ids[3]]);
    expect(first).toMatchObject({ has_more: true, total_count: 5 });
    const last = await client.devboxes.list(query({ search: mark, limit: 10, starting_after: ids[3] ?? '' }));
    expect(last.devboxes.map((box) => box.id)).toEqual([ids[2], ids[1], ids[0]]);
    expect(last.has_more).toBe(false);
  });

  it("feeds the client's pager each box once", async () => {
    const seen: string[] = [];
    for await (const box of client.devboxes.list(query({ search: mark, limit: 2 }))) {
      seen.push(box.id);
    }
    expect(seen).toEqual([...ids].reverse());
  });

  it('leaves the count out when told to', async () => {
    const page = await client.devboxes.list(query({ search: mark, include_total_count: false }));
    expect(page.devboxes).toHaveLength(5);
    expect([undefined, null, 0]).toContain(page.total_count);
  });

  it('filters by status', async () => {
    const shut = await client.devboxes.list(query({ status: 'shutdown', search: mark }));
    expect(shut.devboxes.map((box) => box.id)).toEqual([ids[1]]);
    const running = await client.devboxes.list({ status: 'running', limit: 100 });
    expect(new Set(running.devboxes.map((box) => box.status))).toEqual(new Set(['running']));
    expect(running.devboxes.map((box) => box.id)).toContain(ids[0]);
    expect(running.devboxes.map((box) => box.id)).not.toContain(ids[1]);
  });

  it('filters by id and by name, the exact match first', async () => {
    const byId = await client.devboxes.list(query({ id: ids[2] ?? '' }));
    expect(byId.devboxes.map((box) => box.id)).toEqual([ids[2]]);
    const byName = await client.devboxes.list(query({ name: names[3] ?? '', limit: 1 }));
    expect(byName.devboxes.map((box) => box.name)).toEqual([names[3]]);
    expect((await client.devboxes.list(query({ name: `${mark}-nobody` }))).devboxes).toEqual([]);
  });

  it.each(['limit=0', 'limit=-1', 'limit=many', 'limit=5001', 'status=happy'])('refuses ?%s with 400', async (text) => {
    expect((await request(`/v1/devboxes?${text}`)).status).toBe(400);
  });

  it('does not fall over a cursor of nobody', async () => {
    const { status } = await refusal(client.devboxes.list({ starting_after: "dbx_' OR 1=1 --" })).catch(() => ({
      status: 200,
    }));
    expect([200, 400, 404]).toContain(status);
  });
});
