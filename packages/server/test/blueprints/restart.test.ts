import { newId } from '@berth/contract';
import type { Host } from '@berth/host/contract';
import { describe, expect, it } from 'vitest';
import { eventually } from '../devboxes/kit.ts';
import { newWorld, run, standingStill } from '../devboxes/restart-kit.ts';
import { base, begin, built, untilStatus, viewOf } from './kit.ts';

const spec = (id: string): Parameters<Host['startBuild']>[0] => ({
  id,
  context: false,
  arguments: {},
  secrets: {},
  steps: [],
  user: { name: 'user', uid: 1000, gid: 1000, home: '/home/user' },
  cacheScope: 'acc',
  limits: { timeoutMs: 60_000, cpus: 1, memoryBytes: 1, diskBytes: 1, processes: 1 },
});

describe('a server killed in the middle of a build', () => {
  it.each([
    ['startBuild', 'before'],
    ['startBuild', 'after'],
    ['build', 'before'],
  ] as const)('completes it after %s (%s its effect), once', async (method, when) => {
    const world = await newWorld();
    const hindered = standingStill(world.fake, method, when);
    const first = await run(world, undefined, hindered.host);
    const key = { 'x-request-id': 'one build' };
    const { json } = await first.caller.call('POST', base, { name: 'kept' }, key);
    await hindered.reached;
    await first.kill();
    const second = await run(world, first);
    expect((await second.caller.call('POST', base, { name: 'kept' }, key)).json.id).toBe(json.id);
    expect((await untilStatus(second.caller, json.id, 'build_complete', 'failed')).status).toBe('build_complete');
    expect(await world.fake.images()).toHaveLength(1);
    expect(await world.fake.builds()).toHaveLength(1);
  });

  it('completes one that ended while no server was there', async () => {
    const world = await newWorld();
    world.fake.holdBuilds(true);
    const first = await run(world);
    const id = await begin(first.caller);
    await untilStatus(first.caller, id, 'provisioning');
    await first.kill();
    world.fake.holdBuilds(false);
    await eventually(async () => (await world.fake.build(id))?.phase === 'complete');
    const second = await run(world, first);
    expect((await untilStatus(second.caller, id, 'build_complete')).build_finish_time_ms).toBeGreaterThan(0);
  });

  it.each([
    ['cancelBuild', 'before'],
    ['removeImage', 'after'],
    ['forgetBuild', 'after'],
  ] as const)('deletes what it died deleting (%s, %s its effect)', async (method, when) => {
    const world = await newWorld();
    const hindered = standingStill(world.fake, method, when);
    const first = await run(world, undefined, hindered.host);
    const { id } = await built(first.caller);
    await first.caller.call('POST', `${base}/${id}/delete`, '');
    await hindered.reached;
    await first.kill();
    const second = await run(world, first);
    await eventually(async () => (await world.fake.builds()).length + (await world.fake.images()).length === 0);
    await eventually(async () => {
      const rows = await second.server.server.parts.database.selectFrom('blueprints').select('host_state').execute();
      return rows[0]?.host_state === 'gone';
    });
    expect(await viewOf(second.caller, id)).toMatchObject({ state: 'deleted' });
  });

  it('ends on the host what was cancelled under it', async () => {
    const world = await newWorld();
    world.fake.holdBuilds(true);
    const hindered = standingStill(world.fake, 'cancelBuild', 'before');
    const first = await run(world, undefined, hindered.host);
    const id = await begin(first.caller);
    await untilStatus(first.caller, id, 'provisioning');
    await first.caller.call('POST', `${base}/${id}/cancel`, '');
    await hindered.reached;
    await first.kill();
    await run(world, first);
    await eventually(async () => (await world.fake.build(id))?.phase === 'cancelled');
  });
});

describe('what the host has when a server comes', () => {
  it('is compared: unknown images go, missing ones have failed, others stay', async () => {
    const world = await newWorld();
    const first = await run(world);
    const [kept, missing] = [(await built(first.caller)).id, (await built(first.caller)).id];
    await first.kill();
    await world.fake.removeImage(missing);
    const orphan = newId('blueprint');
    await world.fake.startBuild(spec(orphan));
    await eventually(async () => (await world.fake.images()).some((image) => image.id === orphan));
    const second = await run(world, first);
    expect((await untilStatus(second.caller, missing, 'failed')).failure_message).toContain('host lost');
    await eventually(async () => (await world.fake.images()).length === 1);
    expect((await world.fake.images())[0]?.id).toBe(kept);
    expect(await viewOf(second.caller, kept)).toMatchObject({ status: 'build_complete' });
  });

  it('may be less than there was: builds that the host lost are built again, however many waited', async () => {
    const world = await newWorld();
    world.fake.holdBuilds(true);
    const first = await run(world);
    const ids = await Promise.all(Array.from({ length: 5 }, () => begin(first.caller)));
    for (const id of ids) {
      await untilStatus(first.caller, id, 'provisioning');
    }
    for (let times = 0; times < 4; times++) {
      world.fake.loseBuilds();
      for (const id of ids) {
        await eventually(async () => (await world.fake.build(id))?.phase === 'queued');
      }
    }
    world.fake.holdBuilds(false);
    for (const id of ids) {
      expect((await untilStatus(first.caller, id, 'build_complete', 'failed')).status).toBe('build_complete');
    }
  });
});
