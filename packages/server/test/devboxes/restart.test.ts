import { HostError } from '@berth/host/contract';
import { describe, expect, it } from 'vitest';
import { startTestServer } from '../harness.ts';
import { eventually, execute, quickReconciler, runningBox, waitFor } from './kit.ts';
import { atEnd, newWorld, run, standingStill } from './restart-kit.ts';

const wish = {
  file_mounts: { '/home/user/one': '1', '/home/user/two': '2' },
  entrypoint: 'sleep infinity',
  launch_parameters: { launch_commands: ['echo a', 'echo b'] },
};

describe('a server killed in the middle of a step', () => {
  it.each([
    ['create', 'before', 0],
    ['create', 'after', 0],
    ['writeFile', 'before', 1],
    ['writeFile', 'after', 1],
    ['executeAndWait', 'before', 0],
    ['executeAndWait', 'after', 0],
    ['executeAndWait', 'after', 1],
    ['execute', 'before', 0],
    ['execute', 'after', 0],
  ] as const)('goes on after %s (%s its effect, call %i), and nothing runs twice', async (method, when, skip) => {
    const world = await newWorld();
    const hindered = standingStill(world.fake, method, when, skip);
    const first = await run(world, undefined, hindered.host);
    const created = await first.caller.call('POST', '/v1/devboxes', wish);
    await hindered.reached;
    await first.kill();

    const second = await run(world, first);
    const view = await waitFor(second.caller, created.json.id, 'running', 'failure', 'shutdown');
    expect(view.status).toBe('running');
    expect(view.state_transitions.map((each: { status: string }) => each.status)).toEqual([
      'provisioning',
      'initializing',
      'running',
    ]);
    expect(await world.fake.list()).toHaveLength(1);
    const { json } = await second.caller.call('GET', `/v1/devboxes/${created.json.id}/logs`);
    const commands = json.logs.flatMap((entry: { cmd?: string }) => entry.cmd ?? []);
    expect(commands).toEqual(['echo a', 'echo b', 'sleep infinity']);
  });

  it('does not write mounts again over what launch commands made of them', async () => {
    const world = await newWorld();
    const hindered = standingStill(world.fake, 'executeAndWait', 'after', 0);
    const first = await run(world, undefined, hindered.host);
    const created = await first.caller.call('POST', '/v1/devboxes', {
      file_mounts: { '/home/user/one': 'before' },
      launch_parameters: { launch_commands: ['echo after > /home/user/one'] },
    });
    await hindered.reached;
    await first.kill();
    const second = await run(world, first);
    await waitFor(second.caller, created.json.id, 'running');
    expect((await execute(second.caller, created.json.id, 'cat /home/user/one')).stdout).toBe('after\n');
  });

  it.each(['before', 'after'] as const)('ends a box whose destroy it died %s', async (when) => {
    const world = await newWorld();
    const hindered = standingStill(world.fake, 'destroy', when);
    const first = await run(world, undefined, hindered.host);
    const id = await runningBox(first.caller);
    expect((await first.caller.call('POST', `/v1/devboxes/${id}/shutdown`, '')).json.status).toBe('shutdown');
    await hindered.reached;
    await first.kill();
    const second = await run(world, first);
    await eventually(async () => (await world.fake.inspect(id))?.phase === 'destroyed');
    await eventually(async () => {
      const rows = await second.server.server.parts.database.selectFrom('devboxes').select('host_state').execute();
      return rows[0]?.host_state === 'destroyed';
    });
  });

  it('leaves one box for a create whose answer was lost', async () => {
    const world = await newWorld();
    const key = { 'x-request-id': 'stainless-python-retry-42' };
    const first = await run(world);
    const created = await first.caller.call('POST', '/v1/devboxes', { name: 'once' }, key);
    await first.kill();
    const second = await run(world, first);
    const again = await second.caller.call('POST', '/v1/devboxes', { name: 'once' }, key);
    expect(again.json.id).toBe(created.json.id);
    await waitFor(second.caller, created.json.id, 'running');
    expect(await world.fake.list()).toHaveLength(1);
  });

  it('finds the execution of a command_id, and of a repeated request without one', async () => {
    const world = await newWorld();
    const first = await run(world);
    const id = await runningBox(first.caller);
    const command = { command: 'echo x', command_id: '0198c7a2-0000-7000-8000-000000000001' };
    await execute(first.caller, id, command.command, command);
    const key = { 'x-request-id': 'stainless-node-retry-7' };
    const path = `/v1/devboxes/${id}/execute_async`;
    const started = await first.caller.call('POST', path, { command: 'echo y' }, key);
    await first.kill();
    const second = await run(world, first);
    expect((await execute(second.caller, id, command.command, command)).stdout).toBe('x\n');
    const again = await second.caller.call('POST', path, { command: 'echo y' }, key);
    expect(again.json.execution_id).toBe(started.json.execution_id);
    const { json } = await second.caller.call('GET', `/v1/devboxes/${id}/logs`);
    expect(json.logs.filter((entry: { cmd?: string }) => entry.cmd !== undefined)).toHaveLength(2);
  });
});

describe('what happened while no server ran', () => {
  it('finds that a box died, with its cause', async () => {
    const world = await newWorld();
    const first = await run(world);
    const id = await runningBox(first.caller);
    await first.kill();
    world.fake.loseBox(id, 'out_of_memory', 'killed at 2 GiB');
    const second = await run(world, first);
    const view = await waitFor(second.caller, id, 'failure');
    expect(view).toMatchObject({ failure_reason: 'out_of_memory' });
    expect(view.state_transitions.at(-1).detail).toBe('out_of_memory: killed at 2 GiB');
  });

  it('finds that the entrypoint ended', async () => {
    const world = await newWorld();
    const first = await run(world);
    const id = await runningBox(first.caller, { entrypoint: 'sleep infinity' });
    await first.kill();
    await world.fake.kill(id, 'entrypoint');
    const second = await run(world, first);
    expect(await waitFor(second.caller, id, 'shutdown')).toMatchObject({ shutdown_reason: 'entrypoint_exit' });
  });

  it('finds that a lifetime ran out', async () => {
    const world = await newWorld();
    const first = await run(world);
    const id = await runningBox(first.caller, { launch_parameters: { keep_alive_time_seconds: 0.3 } });
    await first.kill();
    const second = await run(world, first);
    expect(await waitFor(second.caller, id, 'shutdown')).toMatchObject({ shutdown_reason: 'keep_alive_timeout' });
    await eventually(async () => (await world.fake.inspect(id))?.phase === 'destroyed');
  });

  it('removes boxes of the host that the database does not know, and no others', async () => {
    const world = await newWorld();
    const first = await run(world);
    const id = await runningBox(first.caller);
    const done = await runningBox(first.caller);
    await first.caller.call('POST', `/v1/devboxes/${done}/shutdown`, '');
    await eventually(async () => (await world.fake.inspect(done))?.phase === 'destroyed');
    await first.kill();
    const orphan = 'dbx_orphan000000000000000';
    await world.fake.create({
      id: orphan,
      isolation: 'auto',
      image: 'default',
      size: { cpus: 1, memoryBytes: 1, diskBytes: 1, processes: 1 },
      user: { name: 'user', uid: 1000, gid: 1000, home: '/home/user' },
      hostname: 'orphan',
      environment: {},
    });
    await run(world, first);
    await eventually(async () => (await world.fake.inspect(orphan)) === undefined);
    expect((await world.fake.inspect(id))?.phase).toBe('running');
    expect((await world.fake.inspect(done))?.phase).toBe('destroyed');
  });
});

describe('retention', () => {
  it('forgets outputs after the time, and says so', async () => {
    const world = await newWorld();
    const server = await startTestServer({
      host: world.fake,
      databaseUrl: world.database.url,
      reconciler: { ...quickReconciler, retentionMs: 100 },
    });
    atEnd(() => server.close());
    const caller = await server.newCaller();
    const id = await runningBox(caller);
    const done = await execute(caller, id, 'echo x');
    await caller.call('POST', `/v1/devboxes/${id}/shutdown`, '');
    await eventually(async () => (await world.fake.inspect(id).catch(() => undefined)) === undefined);
    await eventually(async () => {
      const answer = await caller.call('GET', `/v1/devboxes/${id}/executions/${done.execution_id}`);
      return answer.status === 404 && answer.json.code === 'outputExpired';
    });
    expect((await caller.call('GET', `/v1/devboxes/${id}/logs`)).json.code).toBe('outputExpired');
    expect((await caller.call('GET', `/v1/devboxes/${id}`)).json.status).toBe('shutdown');
    await expect(world.fake.logs(id, {})).rejects.toBeInstanceOf(HostError);
  });
});
