import { type FakeCommandHandler, FakeHost, interpret } from '@berth/host/fake';
import { describe, expect, it } from 'vitest';
import { built } from '../blueprints/kit.ts';
import { eventually, waitFor } from '../devboxes/kit.ts';
import { newWorld, type Run, run, standingStill } from '../devboxes/restart-kit.ts';

/** The service runs until it is killed. */
const handler: FakeCommandHandler = async (context) => {
  if (context.command.includes("'serve'")) {
    await new Promise<void>((resolve) => context.signal.addEventListener('abort', () => resolve(), { once: true }));
    return 0;
  }
  return interpret(context);
};

const newHost = () => new FakeHost({ handler, isolations: ['container'] });

/** A blueprint with a service, and how a box asks for both. */
async function wish({ caller }: Run): Promise<object> {
  const { id: image } = await built(caller, { name: 'image', dockerfile: 'FROM debian\nCMD ["serve"]' });
  const services = [{ name: 'web', image }];
  const { id } = await built(caller, { name: 'with-services', services });
  return { blueprint_id: id, launch_parameters: { required_services: ['web'], isolation: 'container' } };
}

const create = async (life: Run): Promise<string> =>
  (await life.caller.call('POST', '/v1/devboxes', await wish(life))).json.id;

describe('a server killed around a box with a service', () => {
  it.each([
    ['create', 'before'],
    ['create', 'after'],
    ['execute', 'before'],
    ['execute', 'after'],
  ] as const)('starts the service once when it dies in %s (%s its effect)', async (method, when) => {
    const world = await newWorld(newHost());
    const first = await run(world);
    const asked = await wish(first);
    await first.kill();
    // The first create is that of the box itself.
    const hindered = standingStill(world.fake, method, when, method === 'create' ? 1 : 0);
    const second = await run(world, first, hindered.host);
    const { json } = await second.caller.call('POST', '/v1/devboxes', asked);
    await hindered.reached;
    await second.kill();
    const third = await run(world, second);
    await waitFor(third.caller, json.id, 'running');
    const sidecar = `${json.id}-s0`;
    expect(await world.fake.inspect(sidecar)).toMatchObject({ phase: 'running', networkOf: json.id });
    expect((await world.fake.execution(sidecar, 'service-0', 1)).status).toBe('running');
    expect((await world.fake.list()).map(({ id }) => id).toSorted()).toEqual([json.id, sidecar].toSorted());
  });

  it.each(['before', 'after'] as const)('has both sleep, and wake, when it dies %s the suspension', async (when) => {
    const world = await newWorld(newHost());
    const hindered = standingStill(world.fake, 'suspend', when);
    const first = await run(world, undefined, hindered.host);
    const box = await create(first);
    await waitFor(first.caller, box, 'running');
    await first.caller.call('POST', `/v1/devboxes/${box}/suspend`, '');
    await hindered.reached;
    await first.kill();
    const second = await run(world, first);
    await waitFor(second.caller, box, 'suspended');
    expect(await world.fake.inspect(`${box}-s0`)).toMatchObject({ phase: 'suspended' });
    await second.caller.call('POST', `/v1/devboxes/${box}/resume`, '');
    await waitFor(second.caller, box, 'running');
    expect((await world.fake.execution(`${box}-s0`, 'service-1', 1)).status).toBe('running');
  });

  it.each(['before', 'after'] as const)('ends both when it dies %s the end of the box', async (when) => {
    const world = await newWorld(newHost());
    const hindered = standingStill(world.fake, 'destroy', when);
    const first = await run(world, undefined, hindered.host);
    const box = await create(first);
    await waitFor(first.caller, box, 'running');
    void first.caller.call('POST', `/v1/devboxes/${box}/shutdown`, '').catch(() => undefined);
    await hindered.reached;
    await first.kill();
    await run(world, first);
    for (const id of [box, `${box}-s0`]) {
      await eventually(async () => {
        const found = await world.fake.inspect(id);
        return found === undefined || found.phase === 'destroyed';
      });
    }
  });
});
