import { FakeHost } from '@berth/host/fake';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DevboxServer, eventually, execute, runningBox, startDevboxServer, waitFor } from './kit.ts';

let server: DevboxServer;
beforeAll(async () => {
  server = await startDevboxServer({ host: new FakeHost({ isolations: ['container', 'gvisor'] }) });
});
afterAll(() => server.close());

const post = (id: string, verb: string, body: unknown = '', headers?: Record<string, string>) =>
  server.caller.call('POST', `/v1/devboxes/${id}/${verb}`, body, headers);
const get = async (id: string) => (await server.caller.call('GET', `/v1/devboxes/${id}`)).json;
const row = (id: string) =>
  server.server.parts.database.selectFrom('devboxes').selectAll().where('id', '=', id).executeTakeFirstOrThrow();
const statuses = (view: { readonly state_transitions: ReadonlyArray<{ readonly status: string }> }): string[] =>
  view.state_transitions.map((each) => each.status);
const commands = async (id: string): Promise<string[]> => {
  const { json } = await server.caller.call('GET', `/v1/devboxes/${id}/logs`);
  return json.logs.flatMap((entry: { cmd?: string }) => entry.cmd ?? []);
};
const gvisor = { isolation: 'gvisor' };

/** A suspended box. */
const asleep = async (wish: Record<string, unknown> = {}, body: unknown = ''): Promise<string> => {
  const id = await runningBox(server.caller, wish);
  expect((await post(id, 'suspend', body)).status).toBe(200);
  await waitFor(server.caller, id, 'suspended', 'failure', 'shutdown');
  return id;
};

const resumed = async (id: string, body: unknown = '') => {
  expect((await post(id, 'resume', body)).status).toBe(200);
  return waitFor(server.caller, id, 'running', 'failure', 'shutdown');
};

describe('disk suspension (API §3.7)', () => {
  it('answers suspending, becomes suspended, refuses use, and comes back with disk, id, name and metadata', async () => {
    const id = await runningBox(server.caller, { name: 'desk', metadata: { team: 'red' } });
    await execute(server.caller, id, 'echo kept > /tmp/file');
    expect((await post(id, 'suspend')).json).toMatchObject({ id, status: 'suspending', end_time_ms: null });
    const view = await waitFor(server.caller, id, 'suspended');
    expect(view).toMatchObject({ name: 'desk', metadata: { team: 'red' }, end_time_ms: null });
    expect((await server.host.inspect(id))?.phase).toBe('suspended');
    for (const [verb, body] of [
      ['execute', { command: 'true' }],
      ['read_file_contents', { file_path: '/tmp/file' }],
      ['suspend', ''],
      ['keep_alive', ''],
    ] as const) {
      expect(await post(id, verb, body)).toMatchObject({ status: 400, json: { code: 'devboxNotRunning' } });
    }
    const answer = await post(id, 'resume');
    expect(answer.json.status).toBe('provisioning');
    const back = await waitFor(server.caller, id, 'running', 'failure');
    expect(back).toMatchObject({ name: 'desk', metadata: { team: 'red' } });
    expect(statuses(back)).toEqual([
      ...['provisioning', 'initializing', 'running', 'suspending', 'suspended'],
      ...['provisioning', 'running'],
    ]);
    expect((await execute(server.caller, id, 'cat /tmp/file')).stdout).toBe('kept\n');
    expect(await post(id, 'resume')).toMatchObject({ status: 400, json: { code: 'devboxNotSuspended' } });
  });

  it('ends what ran as lost, and shows outputs of before and after', async () => {
    const id = await runningBox(server.caller);
    const before = await execute(server.caller, id, 'echo before');
    const cut = await post(id, 'execute_async', { command: 'sleep infinity' });
    await post(id, 'suspend');
    await waitFor(server.caller, id, 'suspended');
    const look = (execution: string) => server.caller.call('GET', `/v1/devboxes/${id}/executions/${execution}`);
    expect((await look(cut.json.execution_id)).json).toMatchObject({
      status: 'completed',
      exit_status: null,
      end: { kind: 'lost' },
    });
    expect((await look(before.execution_id)).json.stdout).toBe('before\n');
    await resumed(id);
    expect((await look(before.execution_id)).json.stdout).toBe('before\n');
    expect((await execute(server.caller, id, 'echo after')).stdout).toBe('after\n');
  });

  it('runs launch commands and entrypoint again, and places no mount again', async () => {
    const id = await asleep({
      file_mounts: { '/home/user/mounted': 'once' },
      entrypoint: 'sleep infinity',
      launch_parameters: { launch_commands: ['cat mounted; echo changed > mounted'] },
    });
    await resumed(id);
    expect((await execute(server.caller, id, 'cat mounted')).stdout).toBe('changed\n');
    expect((await commands(id)).filter((command) => command !== 'cat mounted')).toEqual([
      ...['cat mounted; echo changed > mounted', 'sleep infinity'],
      ...['cat mounted; echo changed > mounted', 'sleep infinity'],
    ]);
    await server.host.kill(id, 'entrypoint-1');
    expect(await waitFor(server.caller, id, 'shutdown', 'failure')).toMatchObject({
      shutdown_reason: 'entrypoint_exit',
    });
  });

  it('reads secrets anew', async () => {
    await server.caller.call('POST', '/v1/secrets', { name: 'turning', value: 'one' });
    const id = await asleep({ secrets: { TURNING: 'turning' } });
    await server.caller.call('POST', '/v1/secrets/turning', { value: 'two' });
    await resumed(id);
    expect((await execute(server.caller, id, 'echo $TURNING')).stdout).toBe('two\n');
  });

  it('does not let the lifetime run, and lets it go on afterwards', async () => {
    const id = await asleep({ launch_parameters: { keep_alive_time_seconds: 600 } });
    const left = (await row(id)).lifetime_left_ms ?? 0;
    expect(left).toBeGreaterThan(500_000);
    expect(left).toBeLessThanOrEqual(600_000);
    expect((await row(id)).expires_ms).toBeNull();
    await resumed(id);
    const now = await row(id);
    expect(now.expires_ms).toBe(now.status_ms + left);
    expect(now.lifetime_left_ms).toBeNull();
    await post(id, 'keep_alive');
    expect((await row(id)).expires_ms).toBeGreaterThan(now.expires_ms ?? 0);
  });

  it('ends at the rest of its lifetime, not later', async () => {
    const id = await asleep({ launch_parameters: { keep_alive_time_seconds: 3_000 } });
    const { database } = server.server.parts;
    await database.updateTable('devboxes').set({ lifetime_left_ms: 100 }).where('id', '=', id).execute();
    expect((await post(id, 'resume')).status).toBe(200);
    expect(await waitFor(server.caller, id, 'shutdown')).toMatchObject({ shutdown_reason: 'keep_alive_timeout' });
  });

  it('costs no active time', async () => {
    const id = await asleep();
    const usage = async () => (await server.caller.call('GET', `/v1/devboxes/${id}/usage`)).json;
    const first = await usage();
    await new Promise((resolve) => setTimeout(resolve, 20));
    const second = await usage();
    expect(second.total_active_seconds).toBe(first.total_active_seconds);
    expect(second.total_elapsed_seconds).toBeGreaterThan(first.total_elapsed_seconds);
  });

  it('is begun once by a repeated request, whatever has happened since', async () => {
    const id = await runningBox(server.caller);
    const key = { 'x-request-id': `suspend-${id}` };
    await post(id, 'suspend', '', key);
    await waitFor(server.caller, id, 'suspended');
    expect(await post(id, 'suspend', '', key)).toMatchObject({ status: 200, json: { status: 'suspended' } });
    const again = { 'x-request-id': `resume-${id}` };
    await post(id, 'resume', '', again);
    await waitFor(server.caller, id, 'running');
    expect(await post(id, 'resume', '', again)).toMatchObject({ status: 200, json: { status: 'running' } });
    expect(await post(id, 'suspend', '', key)).toMatchObject({ status: 200, json: { status: 'running' } });
  });

  it('keeps a history that stays small', async () => {
    const id = await runningBox(server.caller);
    const entries = Array.from({ length: 1_000 }, (_, index) => ({ status: 'running' as const, at_ms: index }));
    await server.server.parts.database
      .updateTable('devboxes')
      .set({ transitions: JSON.stringify(entries.slice(0, 400)) })
      .where('id', '=', id)
      .execute();
    await post(id, 'suspend');
    const view = await waitFor(server.caller, id, 'suspended');
    expect(view.state_transitions).toHaveLength(400);
    expect(view.state_transitions[0].transition_time_ms).toBe(0);
    expect(statuses(view).slice(-2)).toEqual(['suspending', 'suspended']);
  });
});

describe('a suspended box', () => {
  it('is shut down like any other', async () => {
    const id = await asleep();
    expect((await post(id, 'shutdown')).json).toMatchObject({ status: 'shutdown', shutdown_reason: 'api_shutdown' });
    await eventually(async () => (await server.host.inspect(id))?.phase === 'destroyed');
  });

  it('fails when the host has lost it', async () => {
    const id = await asleep();
    await server.host.destroy(id);
    await server.host.forget(id);
    server.host.dropConnection();
    expect(await waitFor(server.caller, id, 'failure')).toMatchObject({ failure_reason: 'health_check_failed' });
  });

  it('stays as it is while host connections come and go', async () => {
    const id = await asleep();
    server.host.dropConnection();
    await eventually(async () => (await server.caller.call('GET', '/metrics')).json.includes('berth_host_connected 1'));
    expect(await get(id)).toMatchObject({ status: 'suspended' });
    expect(await resumed(id)).toMatchObject({ status: 'running' });
  });

  it('is shut down once it has been so for too long, where the operator wants that', async () => {
    const short = await startDevboxServer({ reconciler: { suspendedTtlMs: 100 } });
    const id = await runningBox(short.caller);
    await short.caller.call('POST', `/v1/devboxes/${id}/suspend`, '');
    expect(await waitFor(short.caller, id, 'shutdown')).toMatchObject({ shutdown_reason: 'ttl_expired' });
    await short.close();
  });
});

describe('memory suspension', () => {
  it('lets processes go on where they stood: an execution in flight completes, nothing is started again', async () => {
    const id = await runningBox(server.caller, {
      entrypoint: 'sleep infinity',
      launch_parameters: { ...gvisor, launch_commands: ['echo launched'] },
    });
    await execute(server.caller, id, 'export COLOUR=blue', { shell_name: 'main' });
    const flying = await post(id, 'execute_async', { command: 'sleep 0.2; echo landed' });
    await post(id, 'suspend', { memory: true });
    await waitFor(server.caller, id, 'suspended');
    expect(await server.host.inspect(id)).toMatchObject({ phase: 'suspended', hasMemory: true });
    const view = await resumed(id);
    expect(statuses(view).slice(-4)).toEqual(['suspending', 'suspended', 'provisioning', 'running']);
    const wait = { statuses: ['completed'] };
    const done = await post(id, `executions/${flying.json.execution_id}/wait_for_status`, wait);
    expect(done.json).toMatchObject({ exit_status: 0, stdout: 'landed\n' });
    const shell = await execute(server.caller, id, 'echo $COLOUR', { shell_name: 'main' });
    expect(shell.stdout).toBe('blue\n');
    expect((await commands(id)).filter((command) => command === 'echo launched')).toHaveLength(1);
    expect((await commands(id)).filter((command) => command === 'sleep infinity')).toHaveLength(1);
    await server.host.kill(id, 'entrypoint');
    expect(await waitFor(server.caller, id, 'shutdown', 'failure')).toMatchObject({
      shutdown_reason: 'entrypoint_exit',
    });
  });

  it('can be left aside at resume', async () => {
    const id = await asleep({ launch_parameters: { ...gvisor, launch_commands: ['echo launched'] } }, { memory: true });
    await resumed(id, { memory: false });
    expect((await commands(id)).filter((command) => command === 'echo launched')).toHaveLength(2);
  });

  it('is refused for an isolation that cannot, when the call itself asks for it', async () => {
    const id = await runningBox(server.caller);
    expect(await post(id, 'suspend', { memory: true })).toMatchObject({
      status: 400,
      json: { code: 'memoryUnsupported' },
    });
    expect((await get(id)).status).toBe('running');
  });

  it('is what box or account have set, the call first, then the box, then the account', async () => {
    const other = await server.newCaller('sleeper');
    const settings = await other.call('POST', '/v1/accounts/me/settings', { suspend_memory: true });
    expect(settings.json).toEqual({ suspend_memory: true, isolation: 'default' });
    const hasMemory = async (launch: object, body: unknown) => {
      const id = await runningBox(other, { launch_parameters: { ...gvisor, ...launch } });
      await other.call('POST', `/v1/devboxes/${id}/suspend`, body);
      await waitFor(other, id, 'suspended');
      return (await server.host.inspect(id))?.hasMemory === true;
    };
    expect(await hasMemory({}, '')).toBe(true);
    expect(await hasMemory({ lifecycle: { suspend_memory: false } }, '')).toBe(false);
    expect(await hasMemory({ lifecycle: { suspend_memory: false } }, { memory: true })).toBe(true);
    expect(await hasMemory({}, { memory: false })).toBe(false);
    const plain = await runningBox(other, { launch_parameters: { isolation: 'container' } });
    await other.call('POST', `/v1/devboxes/${plain}/suspend`, '');
    const view = await waitFor(other, plain, 'suspended');
    expect(view.state_transitions.at(-2).detail).toBe('isolation container cannot keep the memory');
  });

  it('takes the isolation of the account where the box names none', async () => {
    const other = await server.newCaller('strong');
    await other.call('POST', '/v1/accounts/me/settings', { isolation: 'gvisor' });
    const id = await runningBox(other);
    expect((await other.call('GET', `/v1/devboxes/${id}`)).json.launch_parameters.isolation).toBe('gvisor');
    const own = await runningBox(other, { launch_parameters: { isolation: 'container' } });
    expect((await server.host.inspect(own))?.isolation).toBe('container');
  });
});

describe('suspend commands (API §3.6)', () => {
  const hooks = (suspend_commands: string[], suspend_deadline_ms?: number) => ({
    launch_parameters: { lifecycle: { lifecycle_hooks: { suspend_commands, suspend_deadline_ms } } },
  });

  it('run one after another before the disk is kept, in each suspension', async () => {
    const id = await asleep(hooks(['echo one > /home/user/log', 'cat /home/user/log']));
    await resumed(id);
    expect((await execute(server.caller, id, 'cat log')).stdout).toBe('one\n');
    await post(id, 'suspend');
    await waitFor(server.caller, id, 'suspended');
    const ran = (await commands(id)).filter((command) => command !== 'cat log');
    expect(ran).toEqual([
      ...['echo one > /home/user/log', 'cat /home/user/log'],
      ...['echo one > /home/user/log', 'cat /home/user/log'],
    ]);
  });

  it('are told when they fail, and do not keep the box awake', async () => {
    const id = await asleep(hooks(['exit 3', 'echo second']));
    expect((await get(id)).state_transitions.at(-1).detail).toBe('suspend command 1 exited with 3');
    expect(await commands(id)).toEqual(['exit 3', 'echo second']);
  });

  it('have one deadline together: what takes too long is killed', async () => {
    const id = await asleep(hooks(['echo quick', 'sleep infinity', 'echo never'], 150));
    expect((await get(id)).state_transitions.at(-1).detail).toBe('suspend command 2 took too long and was killed');
    expect(await commands(id)).toEqual(['echo quick', 'sleep infinity']);
    const killed = await server.host.execution(id, 'suspend-1-1', 0);
    expect(killed.end).toMatchObject({ kind: 'killed' });
  });

  it('do not keep a box from being shut down', async () => {
    const id = await runningBox(server.caller, hooks(['sleep infinity'], 60_000));
    await post(id, 'suspend');
    await eventually(async () =>
      server.host.execution(id, 'suspend-1-0', 0).then(
        () => true,
        () => false,
      ),
    );
    expect((await post(id, 'shutdown')).json.status).toBe('shutdown');
    await eventually(async () => (await server.host.inspect(id))?.phase === 'destroyed');
  });
});

describe('idleness that suspends', () => {
  const idle = (seconds: number, more: object = {}) => ({
    launch_parameters: { ...more, after_idle: { idle_time_seconds: seconds, on_idle: 'suspend' } },
  });

  it('suspends a box that nobody uses, and begins anew after a resume', async () => {
    const id = await runningBox(server.caller, idle(0.1));
    const view = await waitFor(server.caller, id, 'suspended', 'shutdown', 'failure');
    expect(view).toMatchObject({ status: 'suspended', shutdown_reason: null });
    expect(view.state_transitions.at(-2)).toMatchObject({ status: 'suspending', detail: 'idle' });
    await resumed(id);
    expect((await waitFor(server.caller, id, 'suspended', 'shutdown', 'failure')).status).toBe('suspended');
  });

  it('waits for commands', async () => {
    const id = await runningBox(server.caller, idle(0.1));
    const started = await post(id, 'execute_async', { command: 'sleep 0.5' });
    const view = await waitFor(server.caller, id, 'suspended', 'shutdown');
    const done = await server.host.execution(id, started.json.execution_id, 0);
    expect(done.end).toEqual({ kind: 'exited', code: 0 });
    expect(view.state_transitions.at(-2).transition_time_ms).toBeGreaterThanOrEqual((done.endedMs ?? 0) + 90);
  });

  it('keeps the memory where the box has set that', async () => {
    const id = await runningBox(server.caller, idle(0.1, { ...gvisor, lifecycle: { suspend_memory: true } }));
    await waitFor(server.caller, id, 'suspended', 'shutdown');
    expect((await server.host.inspect(id))?.hasMemory).toBe(true);
  });
});
