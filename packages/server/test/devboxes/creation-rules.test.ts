import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DevboxServer, startDevboxServer } from './kit.ts';

let server: DevboxServer;
beforeAll(async () => {
  server = await startDevboxServer();
});
afterAll(() => server.close());

const create = (wish: unknown) => server.caller.call('POST', '/v1/devboxes', wish);
const launch = (parameters: unknown) => create({ launch_parameters: parameters });
const custom = (cpus: unknown, memory: unknown, disk?: unknown) =>
  launch({
    resource_size_request: 'CUSTOM_SIZE',
    custom_cpu_cores: cpus,
    custom_gb_memory: memory,
    custom_disk_size: disk ?? null,
  });

describe('what is not there yet is refused by name, never left out', () => {
  it.each([
    ['axon', { mounts: [{ type: 'broker_mount', axon_id: 'axn_1' }] }],
    ['gateways', { gateways: { GWS: { gateway: 'g', secret: 's' } } }],
    ['mcp', { mcp: { MCP: { mcp_config: 'm', secret: 's' } } }],
    ['tunnel', { tunnel: {} }],
    ['network_policy_id', { launch_parameters: { network_policy_id: 'np_1' } }],
    ['resume_triggers', { launch_parameters: { lifecycle: { resume_triggers: { http: true } } } }],
  ])('answers 501 that names %s', async (name, wish) => {
    const answer = await create(wish);
    expect(answer).toMatchObject({ status: 501, json: { code: 'notImplemented', retryable: false } });
    expect(answer.json.message).toContain(name);
    expect(answer.headers.get('x-should-retry')).toBe('false');
  });

  it('accepts the same fields when they ask for nothing', async () => {
    const answer = await create({
      code_mounts: [],
      gateways: {},
      mcp: {},
      mounts: [],
      repo_connection_id: 'legacy',
      something_new: { deep: 1 },
      launch_parameters: {
        required_services: [],
        available_ports: [80],
        provisioning_tier: 'flex',
        lifecycle: { resume_triggers: { http: false, axon_event: false }, lifecycle_hooks: { suspend_commands: [] } },
      },
    });
    expect(answer.status).toBe(200);
  });

  it.each([
    [{ blueprint_id: 'bpt_000000000000000000000' }, 'blueprint'],
    [{ blueprint_name: 'nope' }, 'blueprint'],
    [{ snapshot_id: 'snp_000000000000000000000' }, 'snapshot'],
    [{ snapshot_id: 'no such' }, 'snapshot'],
  ])('answers 400 for the unknown source %j', async (wish, kind) => {
    const answer = await create(wish);
    expect(answer).toMatchObject({ status: 400, json: { code: 'unknownSource' } });
    expect(answer.json.message).toContain(`${kind} '`);
  });

  it('refuses two sources', async () => {
    expect((await create({ blueprint_id: 'a', snapshot_id: 'b' })).json.message).toContain('only one of');
  });

  it('refuses a secret that the account does not have', async () => {
    expect(await create({ secrets: { A: 'unknown' } })).toMatchObject({ status: 400, json: { code: 'unknownSecret' } });
    const other = await server.newCaller('other');
    await other.call('POST', '/v1/secrets', { name: 'theirs', value: 'x' });
    expect((await create({ secrets: { A: 'theirs' } })).status).toBe(400);
  });

  it('refuses another architecture', async () => {
    const foreign = process.arch === 'arm64' ? 'x86_64' : 'arm64';
    expect(await launch({ architecture: foreign })).toMatchObject({
      status: 400,
      json: { code: 'architectureUnavailable' },
    });
  });
});

describe('sizes', () => {
  it.each([
    [0.5, 1],
    [0.5, 4],
    [1, 2],
    [1, 8],
    [2, 4],
    [2, 16],
    [16, 32],
    [16, 64, 64],
    [8, 64, 2],
  ])('accepts %d cores with %d GiB', async (cpus, memory, disk?: number) => {
    expect((await custom(cpus, memory, disk)).status).toBe(200);
  });

  it.each([
    [0.4, 1],
    [0.75, 2],
    [3, 6],
    [18, 64],
    [0, 1],
    [-2, 4],
    ['2', 4],
    [1, 3],
    [1, 1],
    [2, 2],
    [1, 10],
    [16, 66],
    [2, 20],
    [0.5, 6],
    [2, 4, 3],
    [2, 4, 66],
    [2, 4, 0],
    [null, 4],
    [2, null],
  ])('refuses %j cores with %j GiB and %j GiB of disk', async (cpus, memory, disk?: number) => {
    expect(await custom(cpus, memory, disk)).toMatchObject({ status: 400, json: { code: 'invalidRequest' } });
  });

  it('refuses custom values without CUSTOM_SIZE, and sizes it does not know', async () => {
    expect((await launch({ custom_cpu_cores: 2, custom_gb_memory: 4 })).status).toBe(400);
    expect((await launch({ resource_size_request: 'SMALL', custom_disk_size: 4 })).status).toBe(400);
    expect((await launch({ resource_size_request: 'HUGE' })).status).toBe(400);
  });
});

describe('bad input', () => {
  it.each(
    [
      [{ name: 'x'.repeat(513) }],
      [{ name: 'a\0b' }],
      [{ name: '\ud800' }],
      [{ name: 5 }],
      [{ metadata: { a: 'b\0' } }],
      [{ metadata: { a: 1 } }],
      [{ metadata: { a: 'x'.repeat(20_000) } }],
      [{ environment_variables: { '1A': 'x' } }],
      [{ environment_variables: { 'A=B': 'x' } }],
      [{ environment_variables: { A: 'x\0' } }],
      [{ environment_variables: { A: 'x' }, secrets: { A: 'y' } }],
      [{ file_mounts: { '': 'x' } }],
      [{ file_mounts: { '/a': 'x' }, mounts: [{ type: 'file_mount', target: '/a', content: 'y' }] }],
      [{ mounts: [{ type: 'file_mount', target: '/a' }] }],
      [{ mounts: [{ type: 'moon_mount' }] }],
      [{ launch_parameters: { keep_alive_time_seconds: 172_801 } }],
      [{ launch_parameters: { keep_alive_time_seconds: 0 } }],
      [{ launch_parameters: { user_parameters: { username: 'root', uid: 5 } } }],
      [{ launch_parameters: { user_parameters: { username: 'a b', uid: 5 } } }],
      [{ launch_parameters: { user_parameters: { username: '../x', uid: 5 } } }],
      [{ launch_parameters: { user_parameters: { username: 'me', uid: -1 } } }],
      [{ launch_parameters: { isolation: 'none' } }],
      [{ launch_parameters: { launch_commands: ['a\0'] } }],
      [{ entrypoint: 7 }],
      [
        {
          launch_parameters: {
            after_idle: { idle_time_seconds: 5, on_idle: 'shutdown' },
            lifecycle: { after_idle: { idle_time_seconds: 6, on_idle: 'shutdown' } },
          },
        },
      ],
      [[]],
      ['{"name": "x"'],
    ].map(([wish]) => [JSON.stringify(wish).slice(0, 60), wish] as const),
  )('refuses %s with 400', async (_title, wish) => {
    const answer = await create(wish);
    expect(answer.status).toBe(400);
    expect(answer.json.message).toEqual(expect.any(String));
  });

  it('has made no box by that', async () => {
    const other = await server.newCaller('bad input');
    expect((await other.call('POST', '/v1/devboxes', { name: 'a\0b' })).status).toBe(400);
    expect((await other.call('POST', '/v1/devboxes', { tunnel: {} })).status).toBe(501);
    expect((await other.call('GET', '/v1/devboxes')).json.total_count).toBe(0);
  });
});
