import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type DevboxServer, eventually, startDevboxServer } from '../devboxes/kit.ts';
import { base, begin, built, untilStatus, viewOf } from './kit.ts';

let server: DevboxServer;
beforeAll(async () => {
  server = await startDevboxServer();
});
afterAll(() => server.close());
afterEach(() => server.host.holdBuilds(false));

const post = (path: string, body: unknown = '', headers?: Record<string, string>) =>
  server.caller.call('POST', path, body, headers);
const get = (path: string) => server.caller.call('GET', path);
const onHost = async (id: string) => (await server.host.images()).some((image) => image.id === id);

describe('building (API §12)', () => {
  it('answers at once and ends in build_complete, with what was asked for', async () => {
    const wish = {
      name: 'whole',
      dockerfile: 'FROM ubuntu:22.04\nENV COLOUR=blue',
      build_args: { VERSION: '1' },
      system_setup_commands: ['sudo apt-get update'],
      file_mounts: { '/etc/motd': 'hello' },
      launch_parameters: { resource_size_request: 'MEDIUM' },
      metadata: { team: 'one' },
      network_policy_id: 'np_1',
      services: [{ name: 'db', image: 'postgres:16', credentials: { username: 'u', password: 'p' } }],
    };
    const created = await post(base, wish);
    expect(created).toMatchObject({ status: 200, json: { name: 'whole', state: 'created', failure_reason: null } });
    expect(['queued', 'provisioning', 'building', 'build_complete']).toContain(created.json.status);
    const view = await untilStatus(server.caller, created.json.id, 'build_complete', 'failed');
    expect(view).toEqual({
      id: created.json.id,
      name: 'whole',
      status: 'build_complete',
      state: 'created',
      create_time_ms: expect.any(Number),
      build_finish_time_ms: expect.any(Number),
      failure_reason: null,
      failure_message: null,
      parameters: { ...wish, services: [{ name: 'db', image: 'postgres:16' }] },
      metadata: { team: 'one' },
      base_blueprint_id: null,
      containerized_services: [{ name: 'db', image: 'postgres:16' }],
      devbox_capabilities: [],
      is_public: false,
      size_bytes: expect.any(Number),
      stand_in: null,
    });
    expect(await onHost(view.id)).toBe(true);
  });

  it('needs a name and nothing else; null and an empty Dockerfile mean nothing', async () => {
    expect((await post(base, {})).status).toBe(400);
    const view = await built(server.caller, { name: 'bare', dockerfile: '', base_blueprint_id: null, secrets: null });
    expect(view.status).toBe('build_complete');
    expect(server.host.buildSpec(view.id)).not.toHaveProperty('dockerfile');
  });

  it('makes one blueprint for a repeated request', async () => {
    const key = { 'x-request-id': 'one blueprint' };
    const answers = await Promise.all([post(base, { name: 'once' }, key), post(base, { name: 'once' }, key)]);
    const again = await post(base, { name: 'once' }, key);
    expect(new Set([...answers, again].map((answer) => answer.json.id)).size).toBe(1);
    expect((await get(`${base}?name=once`)).json.total_count).toBe(1);
  });

  it('shows each way to the end', async () => {
    server.host.holdBuilds(true);
    const id = await begin(server.caller);
    await untilStatus(server.caller, id, 'provisioning');
    server.host.holdBuilds(false);
    expect((await untilStatus(server.caller, id, 'build_complete')).build_finish_time_ms).toBeGreaterThan(0);
  });

  it('fails for a bad Dockerfile, not the request', async () => {
    const view = await built(server.caller, { dockerfile: 'FROM ubuntu\nRAN nothing' });
    expect(view).toMatchObject({ status: 'failed', failure_reason: 'build_failed' });
    expect(view.failure_message).toContain('RAN nothing');
    const logs = await get(`${base}/${view.id}/logs`);
    expect(logs.json.logs.length).toBeGreaterThan(0);
    expect(logs.json.logs.at(-1)).toMatchObject({ level: 'error', message: expect.stringContaining('RAN nothing') });
  });

  it.each([
    ['out_of_memory', 'out_of_memory'],
    ['out_of_disk', 'out_of_disk'],
    ['timed_out', 'build_failed'],
    ['base_unavailable', 'build_failed'],
    ['internal', 'build_failed'],
  ] as const)('tells %s as %s', async (failure, reason) => {
    server.host.failNextBuild(failure, 'because');
    expect(await built(server.caller)).toMatchObject({ status: 'failed', failure_reason: reason, state: 'created' });
  });

  it('builds again what the host has lost, and gives up when that happens again and again', async () => {
    for (let lost = 0; lost < 2; lost++) {
      server.host.failNextBuild('host_lost', 'the host ended');
    }
    expect(await built(server.caller)).toMatchObject({ status: 'build_complete', failure_message: null });
    for (let lost = 0; lost < 3; lost++) {
      server.host.failNextBuild('host_lost', 'the host ended');
    }
    const view = await built(server.caller);
    expect(view).toMatchObject({ status: 'failed', failure_reason: 'build_failed' });
    expect(view.failure_message).toContain('3 times');
  });

  it('counts builds towards the quota of the account', async () => {
    const quotas = { '*': { builds: 2, blueprints: 3 } };
    const small = await startDevboxServer({ admission: { quotas } });
    try {
      small.host.holdBuilds(true);
      const ids = [await begin(small.caller), await begin(small.caller)];
      expect(await small.caller.call('POST', base, { name: 'x' })).toMatchObject({
        status: 429,
        json: { code: 'quotaExceeded' },
      });
      small.host.holdBuilds(false);
      await untilStatus(small.caller, ids[0] ?? '', 'build_complete');
      await untilStatus(small.caller, ids[1] ?? '', 'build_complete');
      await built(small.caller);
      expect((await small.caller.call('POST', base, { name: 'x' })).json.message).toContain('3 blueprints');
      await small.caller.call('POST', `${base}/${ids[0]}/delete`, '');
      expect((await built(small.caller)).status).toBe('build_complete');
    } finally {
      await small.close();
    }
  });
});

describe('lists', () => {
  it('are newest first, with filters and pages, without what is deleted', async () => {
    const other = await server.newCaller('lists');
    const [one, two, three] = [
      (await built(other, { name: 'alpha', metadata: { kind: 'a' } })).id,
      (await built(other, { name: 'beta', metadata: { kind: 'b' } })).id,
      (await built(other, { name: 'alpha', dockerfile: 'RAN' })).id,
    ];
    const ids = async (query: string) =>
      (await other.call('GET', `${base}?${query}`)).json.blueprints.map((blueprint: { id: string }) => blueprint.id);
    expect(await ids('')).toEqual([three, two, one]);
    expect(await ids('name=alpha')).toEqual([three, one]);
    const longer = (await built(other, { name: 'alphabet' })).id;
    expect(await ids('name=alpha')).toEqual([three, one, longer]);
    expect(await ids(`name=alpha&limit=1&starting_after=${three}`)).toEqual([one]);
    expect(await ids(`name=alpha&starting_after=${one}`)).toEqual([longer]);
    await other.call('POST', `${base}/${longer}/delete`, '');
    expect(await ids('status=failed')).toEqual([three]);
    expect(await ids('status=awaiting_upload')).toEqual([]);
    expect(await ids(`limit=2&starting_after=${three}`)).toEqual([two, one]);
    expect(await ids('metadata[kind]=b')).toEqual([two]);
    expect(await ids(`search=${two.slice(-8)}`)).toEqual([two]);
    expect((await other.call('GET', `${base}?status=nope`)).status).toBe(400);
    expect((await other.call('GET', `${base}/metadata/keys`)).json).toEqual({ keys: ['kind'] });
    expect((await other.call('GET', `${base}/metadata/keys/kind/values`)).json.values).toEqual(['a', 'b']);
    await other.call('POST', `${base}/${two}/delete`, '');
    expect(await ids('')).toEqual([three, one]);
    expect((await other.call('GET', `${base}?limit=1`)).json).toMatchObject({ has_more: true, total_count: 2 });
    expect((await other.call('GET', `${base}/list_public`)).json).toMatchObject({ blueprints: [], has_more: false });
  });
});

describe('cancel and delete', () => {
  it('ends a build that waits, and leaves one that has ended as it is', async () => {
    server.host.holdBuilds(true);
    const id = await begin(server.caller);
    await untilStatus(server.caller, id, 'provisioning');
    expect((await post(`${base}/${id}/cancel`)).json).toMatchObject({
      status: 'failed',
      state: 'created',
      failure_message: 'cancelled',
    });
    await eventually(async () => (await server.host.build(id))?.phase === 'cancelled');
    expect((await post(`${base}/${id}/cancel`)).json.status).toBe('failed');
    server.host.holdBuilds(false);
    const done = await built(server.caller);
    expect((await post(`${base}/${done.id}/cancel`)).json.status).toBe('build_complete');
    expect(await onHost(done.id)).toBe(true);
  });

  it('deletes twice, from every status, with image, record and log', async () => {
    server.host.holdBuilds(true);
    const waiting = await begin(server.caller);
    expect((await post(`${base}/${waiting}/delete`)).json).toEqual({});
    server.host.holdBuilds(false);
    const done = (await built(server.caller)).id;
    const failed = (await built(server.caller, { dockerfile: 'RAN' })).id;
    for (const id of [waiting, done, failed]) {
      expect(await post(`${base}/${id}/delete`)).toMatchObject({ status: 200, json: {} });
      expect(await post(`${base}/${id}/delete`)).toMatchObject({ status: 200, json: {} });
      expect(await viewOf(server.caller, id)).toMatchObject({ state: 'deleted' });
      await eventually(async () => (await server.host.build(id)) === undefined && !(await onHost(id)));
      expect((await get(`${base}/${id}/logs`)).json.code).toBe('buildLogExpired');
    }
  });
});

it('metrics count blueprints by status', async () => {
  await built(server.caller);
  await built(server.caller, { dockerfile: 'RAN' });
  const { json } = await get('/metrics');
  expect(json).toMatch(/^berth_blueprints\{status="build_complete"\} [1-9]/m);
  expect(json).toMatch(/^berth_blueprints\{status="failed"\} [1-9]/m);
});

describe('preview', () => {
  it('is one Dockerfile with files, repositories and commands in this order, and without tokens', async () => {
    const { json } = await post(`${base}/preview`, {
      name: 'x',
      dockerfile: 'FROM debian:bookworm',
      file_mounts: { '~/notes': 'hello' },
      code_mounts: [{ repo_owner: 'o', repo_name: 'r', token: 'hush', git_ref: 'v1', install_command: 'make' }],
      system_setup_commands: ['echo "set up"'],
    });
    const order = ['FROM debian:bookworm', '/home/user/notes', 'github.com/o/r.git', '"make"', 'set up'];
    const places = order.map((text) => json.dockerfile.indexOf(text));
    expect(places).toEqual([...places].sort((a, b) => a - b));
    expect(places[0]).toBe(0);
    expect(json.dockerfile).not.toContain('hush');
    expect((await get(`${base}?name=x`)).json.blueprints.filter(({ name }: { name: string }) => name === 'x')).toEqual(
      [],
    );
  });
});
