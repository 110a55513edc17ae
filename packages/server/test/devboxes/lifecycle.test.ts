import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DevboxServer, eventually, execute, runningBox, startDevboxServer, waitFor } from './kit.ts';

let server: DevboxServer;
beforeAll(async () => {
  server = await startDevboxServer();
});
afterAll(() => server.close());

const create = (wish: Record<string, unknown> = {}, headers?: Record<string, string>) =>
  server.caller.call('POST', '/v1/devboxes', wish, headers);
const get = (id: string) => server.caller.call('GET', `/v1/devboxes/${id}`);
const shutdown = (id: string) => server.caller.call('POST', `/v1/devboxes/${id}/shutdown`, '');

describe('creation', () => {
  it('answers at once with the whole view in an early state', async () => {
    const created = await create({ name: 'first', metadata: { team: 'red' } });
    expect(created.status).toBe(200);
    expect(created.json).toEqual({
      id: expect.stringMatching(/^dbx_[0-9A-Za-z]{21}$/),
      name: 'first',
      status: 'provisioning',
      capabilities: [],
      create_time_ms: expect.any(Number),
      end_time_ms: null,
      launch_parameters: { resource_size_request: 'SMALL', keep_alive_time_seconds: 3600 },
      metadata: { team: 'red' },
      state_transitions: [{ status: 'provisioning', transition_time_ms: created.json.create_time_ms }],
      blueprint_id: null,
      snapshot_id: null,
      failure_reason: null,
      shutdown_reason: null,
      initiator_type: 'api',
      initiator_id: null,
      tunnel: null,
    });
  });

  it('reads an empty body as a box with defaults, and null as absent', async () => {
    expect((await server.caller.call('POST', '/v1/devboxes', '')).json).toMatchObject({ name: null, metadata: {} });
    const wish = {
      name: null,
      metadata: null,
      launch_parameters: null,
      blueprint_id: null,
      tunnel: null,
      mounts: null,
    };
    expect((await create(wish)).json).toMatchObject({ name: null, metadata: {}, blueprint_id: null });
  });

  it('goes through its states in order, each with its time', async () => {
    const id = await runningBox(server.caller);
    const { json } = await get(id);
    const statuses = json.state_transitions.map((transition: { status: string }) => transition.status);
    expect(statuses).toEqual(['provisioning', 'initializing', 'running']);
    const times = json.state_transitions.map(
      (transition: { transition_time_ms: number }) => transition.transition_time_ms,
    );
    expect(times).toEqual([...times].sort((left, right) => left - right));
    expect(json.launch_parameters.isolation).toBe('container');
  });

  it('makes one box for a repeated request, also when both arrive at once', async () => {
    const key = { 'x-request-id': 'stainless-node-retry-1' };
    const answers = await Promise.all([create({ name: 'once' }, key), create({ name: 'once' }, key)]);
    const again = await create({ name: 'once' }, key);
    expect(new Set([...answers, again].map((answer) => answer.json.id)).size).toBe(1);
    const found = await server.caller.call('GET', '/v1/devboxes?name=once');
    expect(found.json.total_count).toBe(1);
  });

  it('passes environment variables, secrets by name, user and size to the host', async () => {
    await server.caller.call('POST', '/v1/secrets', { name: 'db-pass-1', value: 'geheim' });
    const id = await runningBox(server.caller, {
      environment_variables: { COLOUR: 'blue' },
      secrets: { DB_PASS: 'db-pass-1' },
      launch_parameters: {
        user_parameters: { username: 'root', uid: 0 },
        resource_size_request: 'CUSTOM_SIZE',
        custom_cpu_cores: 0.5,
        custom_gb_memory: 4,
        custom_disk_size: 6,
      },
    });
    const result = await execute(server.caller, id, 'echo $COLOUR $DB_PASS $HOME; pwd');
    expect(result.stdout).toBe('blue geheim /root\n/root\n');
    const view = await get(id);
    expect(JSON.stringify(view.json)).not.toContain('geheim');
    const row = await server.server.parts.database.selectFrom('devboxes').selectAll().where('id', '=', id).execute();
    expect(JSON.stringify(row)).not.toContain('geheim');
  });
});

describe('initialisation', () => {
  it('places file mounts of both kinds before the first launch command', async () => {
    const id = await runningBox(server.caller, {
      file_mounts: { '/home/user/deep/one.txt': 'eins\n' },
      mounts: [{ type: 'file_mount', target: '/home/user/two.txt', content: 'zwei\n' }],
      launch_parameters: { launch_commands: ['cat /home/user/deep/one.txt > /home/user/seen.txt'] },
    });
    expect((await execute(server.caller, id, 'cat seen.txt two.txt; cat /home/user/two.txt')).stdout).toContain('zwei');
    expect((await execute(server.caller, id, 'cat /home/user/seen.txt')).stdout).toBe('eins\n');
  });

  it('is not running before its launch commands are done', async () => {
    const { json } = await create({ launch_parameters: { launch_commands: ['sleep infinity'] } });
    await waitFor(server.caller, json.id, 'initializing');
    const wait = { statuses: ['running', 'failure'], timeout_seconds: 0.2 };
    expect((await server.caller.call('POST', `/v1/devboxes/${json.id}/wait_for_status`, wait)).status).toBe(408);
    const early = await server.caller.call('POST', `/v1/devboxes/${json.id}/execute`, { command: 'true' });
    expect(early).toMatchObject({ status: 400, json: { code: 'devboxNotRunning' } });
    expect((await shutdown(json.id)).json.status).toBe('shutdown');
    await eventually(async () => (await server.host.inspect(json.id))?.phase === 'destroyed');
  });

  it('fails with the output of a launch command that does not succeed, and runs no later one', async () => {
    const commands = ['echo first', 'echo broken >&2; exit 3', 'echo third'];
    const { json } = await create({ launch_parameters: { launch_commands: commands } });
    const view = await waitFor(server.caller, json.id, 'failure', 'running');
    expect(view).toMatchObject({
      status: 'failure',
      failure_reason: 'execution_failed',
      end_time_ms: expect.any(Number),
    });
    expect(view.state_transitions.at(-1)).toMatchObject({
      status: 'failure',
      failure_reason: 'execution_failed',
      detail: 'launch command 2 exited with 3: broken',
    });
    const logs = await server.caller.call('GET', `/v1/devboxes/${json.id}/logs`);
    expect(logs.json.logs.map((entry: { cmd?: string }) => entry.cmd).filter(Boolean)).toEqual(commands.slice(0, 2));
    await eventually(async () => (await server.host.inspect(json.id))?.phase === 'destroyed');
  });

  it('fails over a mount that cannot be placed', async () => {
    const { json } = await create({ file_mounts: { '/tmp': 'a directory already' } });
    const view = await waitFor(server.caller, json.id, 'failure', 'running');
    expect(view.state_transitions.at(-1).detail).toContain('file mount /tmp');
  });

  it('fails when a secret is gone before the box starts', async () => {
    await server.caller.call('POST', '/v1/secrets', { name: 'passing', value: 'x' });
    server.host.setUnreachable(true);
    const { json } = await create({ secrets: { PASSING: 'passing' } });
    await server.caller.call('POST', '/v1/secrets/passing/delete', '');
    const view = await waitFor(server.caller, json.id, 'failure', 'running');
    server.host.setUnreachable(false);
    expect(view.state_transitions.at(-1).detail).toContain("secret 'passing' was deleted");
  });

  it.each([
    ['out_of_memory', 'out_of_memory'],
    ['out_of_disk', 'out_of_disk'],
    ['runtime_failed', 'execution_failed'],
    ['guest_exited', 'health_check_failed'],
  ] as const)('reports a start that ends with %s as %s', async (cause, reason) => {
    server.host.failNextCreate(cause);
    const { json } = await create();
    const view = await waitFor(server.caller, json.id, 'failure', 'running');
    expect(view).toMatchObject({ failure_reason: reason });
    expect(view.state_transitions.at(-1).detail).toBe(`${cause}: failed by the test`);
  });

  it('fails with the reason when the host does not have the isolation asked for', async () => {
    const { json } = await create({ launch_parameters: { isolation: 'gvisor' } });
    const view = await waitFor(server.caller, json.id, 'failure', 'running');
    expect(view.state_transitions.at(-1).detail).toContain('gvisor is not available');
  });

  it.each(['echo ready', 'exit 7'])('shuts down when the entrypoint %j exits', async (entrypoint) => {
    const { json } = await create({ entrypoint });
    const view = await waitFor(server.caller, json.id, 'shutdown', 'failure');
    expect(view).toMatchObject({ status: 'shutdown', shutdown_reason: 'entrypoint_exit' });
    expect(view.state_transitions.map((transition: { status: string }) => transition.status)).toContain('running');
  });

  it('runs for as long as the entrypoint does, and shows its log by source', async () => {
    const id = await runningBox(server.caller, { entrypoint: 'echo up; sleep infinity' });
    const logs = await server.caller.call('GET', `/v1/devboxes/${id}/logs?execution_id=entrypoint`);
    expect(logs.json.logs[0]).toMatchObject({ source: 'entrypoint', cmd: 'echo up; sleep infinity' });
    await server.host.kill(id, 'entrypoint');
    const view = await waitFor(server.caller, id, 'shutdown', 'failure');
    expect(view.state_transitions.at(-1)).toMatchObject({ detail: 'entrypoint was killed by signal 9 (host)' });
  });
});

describe('shutdown', () => {
  it('is told at once, agrees with the next look, and succeeds again', async () => {
    const id = await runningBox(server.caller);
    const down = await shutdown(id);
    expect(down.json).toMatchObject({
      status: 'shutdown',
      shutdown_reason: 'api_shutdown',
      end_time_ms: expect.any(Number),
    });
    expect((await get(id)).json).toEqual(down.json);
    const again = await server.caller.call('POST', `/v1/devboxes/${id}/shutdown?force=true`, '');
    expect(again).toMatchObject({ status: 200, json: down.json });
    await eventually(async () => (await server.host.inspect(id))?.phase === 'destroyed');
  });

  it('works from failure, keeping the reason of the failure', async () => {
    server.host.failNextCreate('out_of_memory');
    const { json } = await create();
    const failed = await waitFor(server.caller, json.id, 'failure');
    expect((await shutdown(json.id)).json).toMatchObject({
      status: 'shutdown',
      failure_reason: 'out_of_memory',
      end_time_ms: failed.end_time_ms,
    });
  });

  it('is repeated against the host until it succeeds', async () => {
    const id = await runningBox(server.caller);
    for (let count = 0; count < 3; count++) {
      server.host.failNextCall('internal');
    }
    expect((await shutdown(id)).json.status).toBe('shutdown');
    await eventually(async () => {
      const row = await server.server.parts.database
        .selectFrom('devboxes')
        .select('host_state')
        .where('id', '=', id)
        .execute();
      return row[0]?.host_state === 'destroyed';
    });
    expect((await server.host.inspect(id))?.phase).toBe('destroyed');
  });

  it('refuses commands and files from then on, but shows outputs and logs', async () => {
    const id = await runningBox(server.caller);
    const done = await execute(server.caller, id, 'echo kept');
    await shutdown(id);
    const refused = await server.caller.call('POST', `/v1/devboxes/${id}/execute`, { command: 'true' });
    expect(refused).toMatchObject({ status: 400, json: { code: 'devboxNotRunning' } });
    const read = await server.caller.call('POST', `/v1/devboxes/${id}/read_file_contents`, { file_path: 'x' });
    expect(read.status).toBe(400);
    const seen = await server.caller.call('GET', `/v1/devboxes/${id}/executions/${done.execution_id}`);
    expect(seen.json).toMatchObject({ status: 'completed', stdout: 'kept\n' });
    expect((await server.caller.call('GET', `/v1/devboxes/${id}/logs`)).json.logs).not.toEqual([]);
    expect((await server.caller.call('POST', `/v1/devboxes/${id}/keep_alive`, '')).status).toBe(400);
  });
});

describe('wait_for_status', () => {
  it('answers at once when the status is there already', async () => {
    const id = await runningBox(server.caller);
    const wait = { statuses: ['running', 'failure', 'shutdown'] };
    expect((await server.caller.call('POST', `/v1/devboxes/${id}/wait_for_status`, wait)).json.status).toBe('running');
  });

  it('answers 408 that asks to come again, and 200 only in a status asked for', async () => {
    const id = await runningBox(server.caller);
    const wait = { statuses: ['failure'], timeout_seconds: 0.05 };
    const answer = await server.caller.call('POST', `/v1/devboxes/${id}/wait_for_status`, wait);
    expect(answer).toMatchObject({ status: 408, json: { retryable: true } });
    const waiting = waitFor(server.caller, id, 'shutdown');
    await shutdown(id);
    expect((await waiting).status).toBe('shutdown');
  });

  it.each([{ statuses: ['sleeping'] }, { statuses: [] }, {}, { statuses: ['running'], timeout_seconds: -1 }])(
    'refuses %j with 400',
    async (wait) => {
      const id = await runningBox(server.caller);
      expect((await server.caller.call('POST', `/v1/devboxes/${id}/wait_for_status`, wait)).status).toBe(400);
    },
  );
});

describe('unknown boxes', () => {
  it('answers 400 for what is no id, 404 for one that is', async () => {
    expect((await get('dbx_nonexistent12345')).status).toBe(400);
    expect((await get('dbx_000000000000000000000')).status).toBe(404);
    const wait = { statuses: ['running'] };
    const answer = await server.caller.call('POST', '/v1/devboxes/dbx_000000000000000000000/wait_for_status', wait);
    expect(answer.status).toBe(404);
  });
});
