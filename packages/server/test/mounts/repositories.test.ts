import type { Host } from '@berth/host/contract';
import { describe, expect, it } from 'vitest';
import { waitFor } from '../devboxes/kit.ts';
import { newWorld, standingStill, type World } from '../devboxes/restart-kit.ts';
import { gitToken } from '../repositories/git-server.ts';
import { gitWorld } from './git-world.ts';
import { recording, startServer } from './layers-kit.ts';

const { git, repositories } = await gitWorld();

const start = (world: World, host: Host) => startServer(world, host, { mountCacheBytes: 0, repositories });

const wish = (name: string) => ({
  mounts: [
    { type: 'code_mount', repo_owner: 'private', repo_name: name, token: gitToken, install_command: 'install it' },
  ],
});

describe('a repository that is being mounted', () => {
  it.each([
    ['executeAndWait', 'before', 0],
    ['executeAndWait', 'after', 0],
    ['writeFile', 'after', 0],
    ['writeFile', 'after', 2],
    ['executeAndWait', 'before', 1],
    ['executeAndWait', 'after', 1],
    ['executeAndWait', 'after', 2],
  ] as const)(
    'is whole, and nothing runs twice, when the server is killed at %s (%s its effect, call %i)',
    async (method, when, skip) => {
      const name = `killed-${method}-${when}-${skip}`;
      const commit = git.make(`private/${name}`).commit({ file: 'x' });
      const { commands, fake } = recording();
      const world = await newWorld(fake);
      const hindered = standingStill(fake, method, when, skip);
      const first = await start(world, hindered.host);
      const caller = await first.server.newCaller();
      const { id } = (await caller.call('POST', '/v1/devboxes', wish(name))).json;
      await hindered.reached;
      await first.kill();

      const second = await start(world, fake);
      const view = await waitFor(second.server.callerWithKey(caller.account, caller.key), id, 'running', 'failure');
      expect(view.status).toBe('running');
      expect(commands).toHaveLength(3);
      expect(commands[0]).toContain('git init');
      expect(commands[1]).toContain(commit);
      expect(commands[2]).toContain('install it');
      const refs = await fake.readFile(id, `/home/user/${name}/.git/packed-refs`);
      expect(Buffer.concat(await Array.fromAsync(refs.body)).toString()).toContain(commit);
      await second.kill();
    },
  );

  it('keeps its token sealed in the row, and not longer than needed', async () => {
    git.make('private/sealed').commit({ file: 'x' });
    const { commands, fake } = recording();
    const world = await newWorld(fake);
    const hindered = standingStill(fake, 'executeAndWait', 'before', 0);
    const { server, kill } = await start(world, hindered.host);
    const caller = await server.newCaller();
    const created = await caller.call('POST', '/v1/devboxes', wish('sealed'));
    await hindered.reached;
    const rows = async (from: typeof server) =>
      JSON.stringify([
        await from.server.parts.database.selectFrom('devboxes').selectAll().execute(),
        await from.server.parts.database.selectFrom('idempotent_requests').selectAll().execute(),
      ]);
    const during = await rows(server);
    expect(during).toContain('sealed');
    expect(during).not.toContain(gitToken);
    await kill();
    const second = await start(world, fake);
    await waitFor(second.server.callerWithKey(caller.account, caller.key), created.json.id, 'running');
    const after = await second.server.server.parts.database
      .selectFrom('devboxes')
      .select('mounts')
      .executeTakeFirstOrThrow();
    expect(after.mounts).toBeNull();
    expect(JSON.stringify([created.json, commands])).not.toContain(gitToken);
    await second.kill();
  });
});
