import { newId } from '@berth/contract';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestCaller, type TestServer } from '../harness.ts';

let server: TestServer;
let caller: TestCaller;

beforeAll(async () => {
  server = await startTestServer();
  caller = await server.newCaller();
});
afterAll(() => server.close());

const npm = { type: 'npm', npm: { package_name: '@made/up', agent_setup: ['echo ready'] } };
const create = (body: Record<string, unknown>, headers?: Record<string, string>) =>
  caller.call('POST', '/v1/agents', body, headers);
const names = (answer: { json: { agents: { name: string; version: string | null }[] } }) =>
  answer.json.agents.map(({ name, version }) => `${name} ${version ?? ''}`.trim());

describe('registering an agent (API §14)', () => {
  it('echoes what was given, and asks no registry', async () => {
    const source = { type: 'git', git: { repository: 'https://git.example/no/such.git', ref: 'main' } };
    const created = await create({ name: 'mine', version: '1.0', source });
    expect(created.status).toBe(200);
    expect(created.json).toEqual({
      id: expect.stringMatching(/^agt_[0-9A-Za-z]{21}$/),
      name: 'mine',
      version: '1.0',
      source,
      is_public: false,
      create_time_ms: expect.any(Number),
    });
    expect((await caller.call('GET', `/v1/agents/${created.json.id}`)).json).toEqual(created.json);
  });

  it('takes a name alone, and the other kinds of source', async () => {
    expect((await create({ name: 'bare' })).json).toMatchObject({ version: null, source: null });
    const sources = [
      npm,
      { type: 'pip', pip: { package_name: 'made-up[extra]', registry_url: 'https://pypi.example/simple' } },
      { type: 'object', object: { object_id: newId('agent'), agent_setup: ['ls'] } },
    ];
    for (const source of sources) {
      expect((await create({ name: 'kinds', source })).json.source).toEqual(source);
    }
  });

  it.each([
    ['no name', { source: npm }],
    ['an unknown kind', { name: 'x', source: { type: 'ftp' } }],
    ['a kind without its part', { name: 'x', source: { type: 'npm' } }],
    ['parts of two kinds', { name: 'x', source: { ...npm, pip: { package_name: 'x' } } }],
    [
      'a package that is an option',
      { name: 'x', source: { type: 'npm', npm: { package_name: '--registry=http://x' } } },
    ],
    ['a package with blanks', { name: 'x', source: { type: 'pip', pip: { package_name: 'a; rm -rf /' } } }],
    [
      'a registry that is none',
      { name: 'x', source: { type: 'npm', npm: { package_name: 'x', registry_url: 'file:///' } } },
    ],
  ])('refuses %s with 400', async (_what, body) => {
    expect((await create(body)).status).toBe(400);
  });

  it('registers once for a repeated request', async () => {
    const headers = { 'x-request-id': 'stainless-node-retry-agents-1' };
    const [first, second] = [await create({ name: 'once' }, headers), await create({ name: 'once' }, headers)];
    expect(second.json.id).toBe(first.json.id);
    expect((await caller.call('GET', '/v1/agents?name=once')).json.total_count).toBe(1);
  });

  it('deletes for good; a second time finds nothing', async () => {
    const { id } = (await create({ name: 'passing' })).json;
    expect((await caller.call('POST', `/v1/agents/${id}/delete`)).json).toEqual({});
    expect((await caller.call('GET', `/v1/agents/${id}`)).status).toBe(404);
    expect((await caller.call('POST', `/v1/agents/${id}/delete`)).status).toBe(404);
    expect((await caller.call('GET', '/v1/agents/agt_x')).status).toBe(400);
  });
});

describe('listing agents', () => {
  it('pages newest first, and filters', async () => {
    const other = await server.newCaller();
    const make = (name: string, version: string) => other.call('POST', '/v1/agents', { name, version });
    for (const [name, version] of [
      ['alpha', '1'],
      ['beta', '1'],
      ['alpha', '2'],
      ['al%ha', '1'],
    ] as const) {
      await make(name, version);
    }
    const list = (query: string) => other.call('GET', `/v1/agents?${query}`);
    expect(names(await list(''))).toEqual(['al%ha 1', 'alpha 2', 'beta 1', 'alpha 1']);
    expect(names(await list('name=alp'))).toEqual(['alpha 2', 'alpha 1']);
    expect(names(await list('name=l%25h'))).toEqual(['al%ha 1']);
    expect(names(await list('version=latest'))).toEqual(['al%ha 1', 'alpha 2', 'beta 1']);
    expect(names(await list('version=1&search=beta'))).toEqual(['beta 1']);
    const first = await list('limit=3');
    expect(first.json).toMatchObject({ has_more: true, total_count: 4 });
    const rest = await list(`limit=3&starting_after=${first.json.agents[2].id}&include_total_count=false`);
    expect(names(rest)).toEqual(['alpha 1']);
    expect(rest.json).toEqual({ agents: [expect.anything()], has_more: false });
  });

  it('shows public ones to everybody, and only those', async () => {
    const [author, reader] = [await server.newCaller(), await server.newCaller()];
    const open = await author.call('POST', '/v1/agents', { name: 'open', is_public: true });
    const hidden = await author.call('POST', '/v1/agents', { name: 'hidden' });
    const ids = (answer: { json: { agents: { id: string }[] } }) => answer.json.agents.map(({ id }) => id);
    for (const path of ['/v1/agents/list_public?limit=100', '/v1/agents?is_public=true&limit=100']) {
      const seen = ids(await reader.call('GET', path));
      expect(seen).toContain(open.json.id);
      expect(seen).not.toContain(hidden.json.id);
    }
    expect(ids(await reader.call('GET', '/v1/agents'))).toEqual([]);
    expect(ids(await author.call('GET', '/v1/agents?is_public=false'))).toEqual([hidden.json.id]);
    expect((await reader.call('GET', `/v1/agents/${open.json.id}`)).status).toBe(200);
    expect((await reader.call('GET', `/v1/agents/${hidden.json.id}`)).status).toBe(404);
    expect((await reader.call('POST', `/v1/agents/${open.json.id}/delete`)).status).toBe(404);
    expect((await author.call('POST', `/v1/agents/${open.json.id}/delete`)).status).toBe(200);
  });

  it('counts no devboxes where none was made with an agent', async () => {
    const fresh = await server.newCaller();
    expect((await fresh.call('GET', '/v1/agents/devbox_counts')).json).toEqual({ counts: {}, total_count: 0 });
  });
});
