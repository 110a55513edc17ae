import { expect, it } from 'vitest';
import { mountCache } from '../src/mount-cache.ts';
import { eventually } from './devboxes/kit.ts';
import { newWorld } from './devboxes/restart-kit.ts';
import type { TestCaller } from './harness.ts';
import { layers, recording, running, startServer } from './mounts/layers-kit.ts';

const install = async (caller: TestCaller, name: string): Promise<string> => {
  const source = { type: 'npm', npm: { package_name: name } };
  await caller.call('POST', '/v1/agents', { name, version: '1.2.3', source });
  return running(caller, { mounts: [{ type: 'agent_mount', agent_id: null, agent_name: name }] });
};

it('shows what is kept for boxes to share, and lets it go while boxes stand on it', async () => {
  const { fake, count } = recording();
  const world = await newWorld(fake);
  const { server } = await startServer(world, fake);
  const config = { databaseUrl: world.database.url };
  const caller = await server.newCaller();
  expect(await mountCache(config, {})).toEqual({ layers: [] });
  const box = await install(caller, 'one');
  await install(caller, 'other');
  const [one, other] = (await mountCache(config, {})).layers;
  expect(one).toMatchObject({ status: 'ready', image: expect.any(String), sizeBytes: expect.any(Number) });
  expect(one?.usedMs).toBeLessThanOrEqual(other?.usedMs ?? 0);

  const before = count('npm install');
  expect(await mountCache(config, { remove: [one?.id ?? '', 'lay_unknown'] })).toEqual({ layers: [one] });
  expect(await mountCache(config, { remove: [one?.id ?? ''] })).toEqual({ layers: [] });
  await eventually(async () => (await fake.snapshots()).every(({ id }) => id !== one?.id));
  expect((await fake.snapshots()).map(({ id }) => id)).toEqual([other?.id]);
  expect((await fake.inspect(box))?.phase).toBe('running');
  await install(caller, 'other');
  expect(count('npm install')).toBe(before);
  await install(caller, 'one');
  expect(count('npm install')).toBeGreaterThan(before);
  await server.close();
});

it('takes away what was let go while no server ran, with its next start', async () => {
  const { fake } = recording();
  const world = await newWorld(fake);
  const first = await startServer(world, fake);
  await install(await first.server.newCaller(), 'one');
  const [layer] = await layers(first.server);
  await first.kill();
  await mountCache({ databaseUrl: world.database.url }, { remove: [layer?.id ?? ''] });
  expect(await fake.snapshots()).toHaveLength(1);
  const second = await startServer(world, fake);
  await eventually(async () => (await fake.snapshots()).length === 0);
  await second.server.close();
});

it('leaves alone what is being made', async () => {
  const world = await newWorld();
  const { server } = await startServer(world, world.fake);
  const row = { id: 'lay_1', key: 'k', image: 'default', made_ms: 1, used_ms: 1 };
  await server.server.parts.database
    .insertInto('mount_layers')
    .values({ ...row, status: 'making' })
    .execute();
  expect(await mountCache({ databaseUrl: world.database.url }, { remove: ['lay_1'] })).toEqual({ layers: [] });
  await server.close();
});
