import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TestCaller } from '../harness.ts';
import { type DevboxServer, runningBox, startDevboxServer, waitFor } from './kit.ts';

let server: DevboxServer;
let caller: TestCaller;
const ids: string[] = [];

beforeAll(async () => {
  server = await startDevboxServer();
  caller = server.caller;
  for (const [name, metadata] of [
    ['alpha', { team: 'red', stage: 'one' }],
    ['alpha-two', { team: 'red' }],
    ['beta_100%', { team: 'blue' }],
    ['alpha', {}],
    ['', { odd: 'a"b' }],
  ] as const) {
    ids.push(await runningBox(caller, { name, metadata }));
  }
  ids.push((await caller.call('POST', '/v1/devboxes', { name: 'gone' })).json.id);
  await caller.call('POST', `/v1/devboxes/${ids[5]}/shutdown`, '');
});
afterAll(() => server.close());

const list = async (query = '') => (await caller.call('GET', `/v1/devboxes${query}`)).json;
const idsOf = (page: { devboxes: Array<{ id: string }> }) => page.devboxes.map((box) => box.id);
const made = (...indexes: number[]) => indexes.map((index) => ids[index]);

describe('lists', () => {
  it('shows the newest first, with the exact count', async () => {
    const page = await list();
    expect(idsOf(page)).toEqual([...ids].reverse());
    expect(page).toMatchObject({ has_more: false, total_count: 6 });
  });

  it('pages by the id of the last item', async () => {
    const first = await list('?limit=4');
    expect(first).toMatchObject({ has_more: true, total_count: 6 });
    const rest = await list(`?limit=4&starting_after=${idsOf(first).at(-1)}`);
    expect([...idsOf(first), ...idsOf(rest)]).toEqual([...ids].reverse());
    expect(rest.has_more).toBe(false);
  });

  it('leaves the count out when asked to', async () => {
    expect((await list('?include_total_count=false')).total_count).toBeUndefined();
  });

  it('filters by status', async () => {
    expect(idsOf(await list('?status=shutdown'))).toEqual(made(5));
    expect(await list('?status=running')).toMatchObject({ total_count: 5 });
    expect(await list('?status=suspended')).toMatchObject({ devboxes: [], total_count: 0 });
  });

  it('puts exact names before partial ones, also across pages', async () => {
    const whole = idsOf(await list('?name=alpha'));
    expect(whole).toEqual(made(3, 0, 1));
    const paged: string[] = [];
    for (let after = ''; paged.length < 3; after = `&starting_after=${paged.at(-1)}`) {
      paged.push(...idsOf(await list(`?name=alpha&limit=1${after}`)));
    }
    expect(paged).toEqual(whole);
  });

  it('searches id and name, taking signs of patterns literally', async () => {
    expect(idsOf(await list('?search=BETA'))).toEqual(made(2));
    expect(idsOf(await list(`?search=${encodeURIComponent('0%')}`))).toEqual(made(2));
    expect(idsOf(await list('?search=a_p'))).toEqual([]);
    expect(idsOf(await list(`?search=${ids[4]}`))).toEqual(made(4));
    expect(idsOf(await list(`?id=${ids[1]}`))).toEqual(made(1));
  });

  it('filters by metadata, several keys together', async () => {
    expect(idsOf(await list('?metadata[team]=red'))).toEqual(made(1, 0));
    expect(idsOf(await list('?metadata[team]=red&metadata[stage]=one'))).toEqual(made(0));
    expect(idsOf(await list(`?metadata[odd]=${encodeURIComponent('a"b')}`))).toEqual(made(4));
    expect(await list('?metadata[team]=red')).toMatchObject({ total_count: 2 });
  });

  it.each(['limit=0', 'limit=-1', 'limit=5001', 'limit=x', 'status=asleep', 'metadata[a]=1&metadata[a]=2'])(
    'refuses ?%s with 400',
    async (query) => {
      expect((await caller.call('GET', `/v1/devboxes?${query}`)).status).toBe(400);
    },
  );

  it('shows nothing of another account, whatever is asked', async () => {
    const other = await server.newCaller('other');
    for (const query of ['', '?name=alpha', `?id=${ids[0]}`, `?search=${ids[0]}`, '?metadata[team]=red']) {
      expect((await other.call('GET', `/v1/devboxes${query}`)).json).toMatchObject({ devboxes: [], total_count: 0 });
    }
    expect((await other.call('GET', '/v1/devboxes/metadata/keys')).json).toEqual({ keys: [] });
  });
});

describe('metadata helpers', () => {
  it('lists keys and values in use', async () => {
    expect((await caller.call('GET', '/v1/devboxes/metadata/keys')).json).toEqual({ keys: ['odd', 'stage', 'team'] });
    const values = await caller.call('GET', '/v1/devboxes/metadata/keys/team/values');
    expect(values.json).toEqual({ key: 'team', values: ['blue', 'red'] });
    expect((await caller.call('GET', '/v1/devboxes/metadata/keys/none/values')).json).toEqual({
      key: 'none',
      values: [],
    });
    const long = await caller.call('GET', `/v1/devboxes/metadata/keys/${'k'.repeat(300)}/values`);
    expect(long.status).toBe(400);
  });
});

describe('update', () => {
  const update = (id: string | undefined, body: unknown) => caller.call('POST', `/v1/devboxes/${id}`, body);

  it('changes what is given, keeps the rest, and clears with the empty value', async () => {
    const id = await runningBox(caller, { name: 'old', metadata: { a: '1' } });
    expect((await update(id, { name: 'new' })).json).toMatchObject({ name: 'new', metadata: { a: '1' } });
    expect((await update(id, { metadata: { b: '2' } })).json).toMatchObject({ name: 'new', metadata: { b: '2' } });
    expect((await update(id, { name: null })).json).toMatchObject({ name: 'new' });
    expect((await update(id, {})).json).toMatchObject({ name: 'new', metadata: { b: '2' } });
    expect((await update(id, { name: '', metadata: {} })).json).toMatchObject({ name: null, metadata: {} });
  });

  it('works on a box that has ended, and not on one of another account', async () => {
    expect((await update(ids[5], { name: 'still' })).json).toMatchObject({ name: 'still', status: 'shutdown' });
    const other = await server.newCaller('third');
    expect((await other.call('POST', `/v1/devboxes/${ids[0]}`, { name: 'stolen' })).status).toBe(404);
    expect((await waitFor(caller, ids[0] ?? '', 'running')).name).toBe('alpha');
  });
});
