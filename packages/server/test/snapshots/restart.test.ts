import { FakeHost } from '@berth/host/fake';
import { describe, expect, it } from 'vitest';
import { eventually, execute, runningBox } from '../devboxes/kit.ts';
import { newWorld, type Run, run, standingStill } from '../devboxes/restart-kit.ts';

const base = '/v1/devboxes/disk_snapshots';
const statusOf = async (life: Run, id: string) => (await life.caller.call('GET', `${base}/${id}/status`)).json;

describe('a server killed in the middle of a snapshot', () => {
  it.each([
    ['snapshot', 'before'],
    ['snapshot', 'after'],
  ] as const)('completes it after %s (%s its effect), once', async (method, when) => {
    const world = await newWorld();
    const hindered = standingStill(world.fake, method, when);
    const first = await run(world, undefined, hindered.host);
    const box = await runningBox(first.caller);
    const { json } = await first.caller.call('POST', `/v1/devboxes/${box}/snapshot_disk_async`, { name: 'kept' });
    await hindered.reached;
    await first.kill();
    const second = await run(world, first);
    await eventually(async () => (await statusOf(second, json.id)).status === 'complete');
    expect(await world.fake.snapshots()).toHaveLength(1);
  });

  it.each(['before', 'after'] as const)('deletes what it died %s deleting', async (when) => {
    const world = await newWorld();
    const hindered = standingStill(world.fake, 'deleteSnapshot', when);
    const first = await run(world, undefined, hindered.host);
    const box = await runningBox(first.caller);
    const { json } = await first.caller.call('POST', `/v1/devboxes/${box}/snapshot_disk`, {});
    await first.caller.call('POST', `${base}/${json.id}/delete`, '');
    await hindered.reached;
    await first.kill();
    const second = await run(world, first);
    await eventually(async () => (await world.fake.snapshots()).length === 0);
    await eventually(async () => {
      const rows = await second.server.server.parts.database.selectFrom('snapshots').select('host_state').execute();
      return rows[0]?.host_state === 'gone';
    });
    expect((await statusOf(second, json.id)).status).toBe('deleted');
  });
});

describe('what the host has when a server comes', () => {
  it('is compared: unknown snapshots go, missing ones have failed, others stay', async () => {
    const world = await newWorld();
    const first = await run(world);
    const box = await runningBox(first.caller);
    const take = async () => (await first.caller.call('POST', `/v1/devboxes/${box}/snapshot_disk`, {})).json.id;
    const [kept, missing] = [await take(), await take()];
    await first.kill();
    await world.fake.deleteSnapshot(missing);
    await world.fake.snapshot(box, 'snp_orphan000000000000000', { memory: false });
    const second = await run(world, first);
    await eventually(async () => (await statusOf(second, missing)).status === 'error');
    expect((await statusOf(second, missing)).error_message).toContain('host lost');
    await eventually(async () => (await world.fake.snapshots()).length === 1);
    expect((await world.fake.snapshots())[0]?.id).toBe(kept);
    expect((await statusOf(second, kept)).status).toBe('complete');
  });
});

describe('a server killed in the middle of a fork', () => {
  it.each([
    ['snapshot', 'before', 0],
    ['snapshot', 'after', 0],
    ['create', 'before', 1],
    ['create', 'after', 2],
    ['deleteSnapshot', 'before', 0],
  ] as const)('brings all up after %s (%s its effect, call %i), and leaves no snapshot', async (method, when, skip) => {
    const world = await newWorld(new FakeHost({ isolations: ['container', 'gvisor'] }));
    const hindered = standingStill(world.fake, method, when, skip);
    const first = await run(world, undefined, hindered.host);
    const box = await runningBox(first.caller, { launch_parameters: { isolation: 'gvisor' } });
    await execute(first.caller, box, 'echo common > /tmp/file');
    const key = { 'x-request-id': 'fork once' };
    const forked = await first.caller.call('POST', `/v1/devboxes/${box}/fork`, { count: 3 }, key);
    await hindered.reached;
    await first.kill();
    const second = await run(world, first);
    const again = await second.caller.call('POST', `/v1/devboxes/${box}/fork`, { count: 3 }, key);
    const ids = forked.json.devboxes.map((each: { id: string }) => each.id);
    expect(again.json.devboxes.map((each: { id: string }) => each.id)).toEqual(ids);
    for (const id of ids) {
      await eventually(async () => (await second.caller.call('GET', `/v1/devboxes/${id}`)).json.status === 'running');
      expect((await execute(second.caller, id, 'cat /tmp/file')).stdout).toBe('common\n');
    }
    await eventually(async () => (await world.fake.snapshots()).length === 0);
    expect(await world.fake.list()).toHaveLength(4);
  });
});
