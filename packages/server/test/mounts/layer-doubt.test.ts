import { expect, it } from 'vitest';
import { deafProxy } from '../database/deaf-proxy.ts';
import { eventually } from '../devboxes/kit.ts';
import { atEnd, newWorld } from '../devboxes/restart-kit.ts';
import { layers, recording, running, startServer } from './layers-kit.ts';

const setLayer = 'set "layer" = ';

it('a devbox stands on the layer that its row names, also when nobody was told that it was written', async () => {
  const { fake } = recording(({ writeFile }) => {
    writeFile('/home/user/package', Buffer.alloc(10_000));
    return 0;
  });
  const world = await newWorld(fake);
  const proxy = await deafProxy(world.database.url, setLayer);
  atEnd(async () => proxy.close());
  const { server } = await startServer({ ...world, database: { ...world.database, url: proxy.url } }, fake, {
    mountCacheBytes: 1,
  });
  const caller = await server.newCaller();
  const install = async (name: string): Promise<string> => {
    const source = { type: 'npm', npm: { package_name: name } };
    await caller.call('POST', '/v1/agents', { name, version: '1.2.3', source });
    return running(caller, { mounts: [{ type: 'agent_mount', agent_id: null, agent_name: name }] });
  };
  const box = await install('some-agent');
  expect(proxy.lost()).toBe(1);
  const [layer] = await layers(server);
  const row = await server.server.parts.database
    .selectFrom('devboxes')
    .select('layer')
    .where('id', '=', box)
    .executeTakeFirstOrThrow();
  expect(JSON.parse(row.layer ?? '')).toEqual({ id: layer?.id, mounts: [0] });

  // Nobody holds the layer any more: it goes as soon as another needs its room.
  await install('other-agent');
  await eventually(async () => (await layers(server)).every(({ id }) => id !== layer?.id));
  expect((await fake.snapshots()).map(({ id }) => id)).toEqual((await layers(server)).map(({ id }) => id));
  expect((await fake.inspect(box))?.phase).toBe('running');
  await server.close();
});
