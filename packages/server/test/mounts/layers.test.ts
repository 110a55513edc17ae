import { randomBytes } from 'node:crypto';
import type { Host } from '@berth/host/contract';
import type { FakeHost } from '@berth/host/fake';
import { describe, expect, it } from 'vitest';
import { built } from '../blueprints/kit.ts';
import { eventually, waitFor } from '../devboxes/kit.ts';
import { newWorld, standingStill, type World } from '../devboxes/restart-kit.ts';
import type { TestCaller } from '../harness.ts';
import { gitToken } from '../repositories/git-server.ts';
import { gitWorld } from './git-world.ts';
import { layers, recording, running, settled, startServer } from './layers-kit.ts';

const { git, repositories } = await gitWorld();

const start = (world: World, host: Host, options: { readonly mountCacheBytes?: number } = {}) =>
  startServer(world, host, {
    repositories,
    ...options,
  });

const made = async (caller: TestCaller, wish: Record<string, unknown>): Promise<string> =>
  (await settled(caller, wish)).status;

const code = (owner: string, name: string, more: Record<string, unknown> = {}) => ({
  mounts: [{ type: 'code_mount', repo_owner: owner, repo_name: name, install_command: 'install it' }].map((mount) => ({
    ...mount,
    ...more,
  })),
});

const text = async (host: FakeHost, id: string, path: string): Promise<string> => {
  const { body } = await host.readFile(id, path);
  return Buffer.concat(await Array.fromAsync(body)).toString();
};

describe('a mount that many boxes share', () => {
  it('is made once, in a box of its own, and what is the box’s own runs in each', async () => {
    const repository = git.make('public/shared');
    const commit = repository.commit({ file: 'x' });
    const { fake, count } = recording();
    const world = await newWorld(fake);
    const { server } = await start(world, fake);
    const [one, other] = [await server.newCaller(), await server.newCaller()];
    const ids = [
      ...(await Promise.all([1, 2, 3].map(() => running(one, code('public', 'shared'))))),
      await running(other, code('public', 'shared')),
    ];
    expect(count('git init')).toBe(1);
    expect(count('install it')).toBe(4);
    for (const id of ids) {
      expect(await text(fake, id, '/home/user/shared/.git/packed-refs')).toContain(commit);
    }
    expect((await fake.list()).map(({ id }) => id).sort()).toEqual([...ids].sort());
    const [layer] = await layers(server);
    expect(layer?.status).toBe('ready');
    expect((await fake.snapshots()).map(({ id }) => id)).toEqual([layer?.id]);

    const next = repository.commit({ file: 'y' });
    const newer = await running(one, code('public', 'shared'));
    expect(await text(fake, newer, '/home/user/shared/.git/packed-refs')).toContain(next);
    expect(count('git init')).toBe(2);
    await server.close();
  });

  it('is nobody’s who cannot show access to it', async () => {
    git.make('private/theirs').commit({ file: 'secret' });
    const { fake, count } = recording();
    const world = await newWorld(fake);
    const { server } = await start(world, fake);
    const [owner, stranger] = [await server.newCaller(), await server.newCaller()];
    await running(owner, code('private', 'theirs', { token: gitToken }));
    await running(owner, code('private', 'theirs', { token: gitToken }));
    expect(count('git init')).toBe(1);
    expect(await made(stranger, code('private', 'theirs'))).toMatch(/^failure/);
    expect(await made(stranger, code('private', 'theirs', { token: 'another' }))).toMatch(/^failure/);
    // The account that had it does not get it without its token either.
    expect(await made(owner, code('private', 'theirs'))).toMatch(/^failure/);
    // Another account with a token of its own has a clone of its own.
    await running(stranger, code('private', 'theirs', { token: gitToken }));
    expect(count('git init')).toBe(2);
    expect(JSON.stringify(await layers(server))).not.toContain(gitToken);
    await server.close();
  });

  it('installs a package once for boxes of all accounts, with nothing of theirs', async () => {
    const { fake, count, commands } = recording();
    const world = await newWorld(fake);
    const { server } = await start(world, fake);
    const callers = [await server.newCaller(), await server.newCaller()];
    for (const caller of callers) {
      const source = { type: 'npm', npm: { package_name: 'some-agent', agent_setup: ['set up own'] } };
      await caller.call('POST', '/v1/agents', { name: 'mine', version: '1.2.3', source });
      await caller.call('POST', '/v1/secrets', { name: 'KEY', value: 'hidden' });
      await running(caller, {
        mounts: [{ type: 'agent_mount', agent_id: null, agent_name: 'mine' }],
        environment_variables: { MODEL: 'x' },
        secrets: { API_KEY: 'KEY' },
      });
    }
    expect(count('npm install')).toBe(1);
    expect(count('set up own')).toBe(2);
    // A variable that npm reads: installed with it, in the box.
    const [first] = callers;
    await running(first as TestCaller, {
      mounts: [{ type: 'agent_mount', agent_id: null, agent_name: 'mine' }],
      environment_variables: { NPM_CONFIG_REGISTRY: 'http://registry.invalid' },
    });
    expect(count('npm install')).toBe(2);
    expect(commands.join()).not.toContain('hidden');
    await server.close();
  });

  it('goes when there is no room, and boxes go on without it', async () => {
    for (const name of ['first', 'second']) {
      git.make(`public/${name}`).commit({ file: randomBytes(20_000).toString('base64') });
    }
    const { fake, count } = recording();
    const world = await newWorld(fake);
    const { server } = await start(world, fake, { mountCacheBytes: 1 });
    const caller = await server.newCaller();
    const box = await running(caller, code('public', 'first'));
    await running(caller, code('public', 'second'));
    expect(await layers(server)).toHaveLength(1);
    expect(await fake.snapshots()).toHaveLength(1);
    expect((await fake.inspect(box))?.phase).toBe('running');
    await running(caller, code('public', 'first'));
    expect(count('git init')).toBe(3);
    await server.close();
  });

  it('goes with the blueprint that it lies upon', async () => {
    git.make('public/upon').commit({ file: 'x' });
    const { fake, count } = recording();
    const world = await newWorld(fake);
    const { server } = await start(world, fake);
    const caller = await server.newCaller();
    const { id: blueprint_id } = await built(caller, { dockerfile: 'FROM debian:bookworm' });
    const box = await running(caller, { ...code('public', 'upon'), blueprint_id });
    await running(caller, { ...code('public', 'upon'), blueprint_id });
    await running(caller, code('public', 'upon'));
    expect(count('git init')).toBe(2);
    await caller.call('POST', `/v1/blueprints/${blueprint_id}/delete`, {});
    await eventually(async () => (await fake.snapshots()).length === 1);
    expect((await layers(server)).map(({ image }) => image)).not.toContain(blueprint_id);
    expect((await fake.inspect(box))?.phase).toBe('running');
    await server.close();
  });

  it.each([
    ['create', 'after', 0],
    ['executeAndWait', 'after', 1],
    ['snapshot', 'before', 0],
    ['snapshot', 'after', 0],
    ['create', 'before', 1],
    ['create', 'after', 1],
  ] as const)('is whole after a kill of the server at %s (%s its effect, call %i)', async (method, when, skip) => {
    const name = `killed-${method}-${when}-${skip}`;
    const commit = git.make(`public/${name}`).commit({ file: 'x' });
    const { fake, count } = recording();
    const world = await newWorld(fake);
    const hindered = standingStill(fake, method, when, skip);
    const first = await start(world, hindered.host);
    const caller = await first.server.newCaller();
    const { id } = (await caller.call('POST', '/v1/devboxes', code('public', name))).json;
    await hindered.reached;
    await first.kill();

    const second = await start(world, fake);
    const view = await waitFor(second.server.callerWithKey(caller.account, caller.key), id, 'running', 'failure');
    expect(view.status).toBe('running');
    expect(await text(fake, id, `/home/user/${name}/.git/packed-refs`)).toContain(commit);
    expect(count('install it')).toBe(1);
    await eventually(async () => (await fake.list()).every((state) => state.id === id));
    const rows = await layers(second.server);
    expect(rows.map((row) => row.status)).toEqual(['ready']);
    await eventually(async () => (await fake.snapshots()).length === 1);
    expect((await fake.snapshots()).map((state) => state.id)).toEqual(rows.map((row) => row.id));
    await second.server.close();
  });

  it('that the host has lost is made anew or placed in the box', async () => {
    git.make('public/lost').commit({ file: 'x' });
    const { fake, count } = recording();
    const world = await newWorld(fake);
    const { server } = await start(world, fake);
    const caller = await server.newCaller();
    await running(caller, code('public', 'lost'));
    for (const { id } of await fake.snapshots()) {
      await fake.deleteSnapshot(id);
    }
    await running(caller, code('public', 'lost'));
    await running(caller, code('public', 'lost'));
    expect(count('git init')).toBeGreaterThanOrEqual(2);
    expect(count('install it')).toBe(3);
    await server.close();
  });
});
