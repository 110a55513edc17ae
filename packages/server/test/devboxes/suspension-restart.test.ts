import { FakeHost } from '@berth/host/fake';
import { describe, expect, it } from 'vitest';
import { eventually, execute, runningBox, waitFor } from './kit.ts';
import { newWorld, run, standingStill } from './restart-kit.ts';

const gvisorWorld = () => newWorld(new FakeHost({ isolations: ['container', 'gvisor'] }));
const wish = {
  entrypoint: 'sleep infinity',
  launch_parameters: {
    isolation: 'gvisor',
    launch_commands: ['echo launched'],
    lifecycle: { lifecycle_hooks: { suspend_commands: ['echo hook 1', 'echo hook 2'] } },
  },
};

describe.each([false, true])('a server killed in the middle of a suspension (memory: %s)', (memory) => {
  it.each([
    ['executeAndWait', 'before', 1],
    ['executeAndWait', 'after', 1],
    ['executeAndWait', 'after', 2],
    ['suspend', 'before', 0],
    ['suspend', 'after', 0],
  ] as const)('goes on after %s (%s its effect, call %i)', async (method, when, skip) => {
    const world = await gvisorWorld();
    const hindered = standingStill(world.fake, method, when, skip);
    const first = await run(world, undefined, hindered.host);
    const id = await runningBox(first.caller, wish);
    await first.caller.call('POST', `/v1/devboxes/${id}/suspend`, { memory });
    await hindered.reached;
    await first.kill();
    const second = await run(world, first);
    const view = await waitFor(second.caller, id, 'suspended', 'failure', 'shutdown');
    expect(view.status).toBe('suspended');
    expect(await world.fake.inspect(id)).toMatchObject({ phase: 'suspended' });
    expect((await world.fake.inspect(id))?.hasMemory === true).toBe(memory);
    const { json } = await second.caller.call('GET', `/v1/devboxes/${id}/logs`);
    const commands = json.logs.flatMap((entry: { cmd?: string }) => entry.cmd ?? []);
    expect(commands).toEqual(['echo launched', 'sleep infinity', 'echo hook 1', 'echo hook 2']);
  });

  it.each([
    ['resume', 'before'],
    ['resume', 'after'],
  ] as const)('goes on with a resume after %s (%s its effect)', async (method, when) => {
    const world = await gvisorWorld();
    const hindered = standingStill(world.fake, method, when);
    const first = await run(world, undefined, hindered.host);
    const id = await runningBox(first.caller, wish);
    await execute(first.caller, id, 'echo kept > /tmp/file');
    await first.caller.call('POST', `/v1/devboxes/${id}/suspend`, { memory });
    await waitFor(first.caller, id, 'suspended');
    await first.caller.call('POST', `/v1/devboxes/${id}/resume`, '');
    await hindered.reached;
    await first.kill();
    const second = await run(world, first);
    await waitFor(second.caller, id, 'running', 'failure', 'shutdown');
    expect((await execute(second.caller, id, 'cat /tmp/file')).stdout).toBe('kept\n');
    const { json } = await second.caller.call('GET', `/v1/devboxes/${id}/logs`);
    const launches = json.logs.filter((entry: { cmd?: string }) => entry.cmd === 'echo launched');
    expect(launches).toHaveLength(memory ? 1 : 2);
    expect(await world.fake.list()).toHaveLength(1);
  });
});

describe('while no server runs', () => {
  it('keeps suspended boxes, and resumes them afterwards', async () => {
    const world = await gvisorWorld();
    const first = await run(world);
    const id = await runningBox(first.caller);
    await execute(first.caller, id, 'echo kept > /tmp/file');
    await first.caller.call('POST', `/v1/devboxes/${id}/suspend`, '');
    await waitFor(first.caller, id, 'suspended');
    await first.kill();
    const second = await run(world, first);
    await eventually(async () => (await second.caller.call('GET', '/metrics')).json.includes('berth_host_connected 1'));
    expect((await second.caller.call('GET', `/v1/devboxes/${id}`)).json.status).toBe('suspended');
    await second.caller.call('POST', `/v1/devboxes/${id}/resume`, '');
    await waitFor(second.caller, id, 'running');
    expect((await execute(second.caller, id, 'cat /tmp/file')).stdout).toBe('kept\n');
  });

  it('suspends a box again that a resume of before has started all the same', async () => {
    const world = await gvisorWorld();
    const first = await run(world);
    const id = await runningBox(first.caller);
    await first.caller.call('POST', `/v1/devboxes/${id}/suspend`, '');
    await waitFor(first.caller, id, 'suspended');
    await first.kill();
    await world.fake.resume(
      {
        id,
        isolation: 'container',
        image: 'default',
        size: { cpus: 1, memoryBytes: 1, diskBytes: 1, processes: 1 },
        user: { name: 'user', uid: 1000, gid: 1000, home: '/home/user' },
        hostname: 'x',
        environment: {},
      },
      { memory: false },
    );
    await run(world, first);
    await eventually(async () => (await world.fake.inspect(id))?.phase === 'suspended');
  });
});
