import type { FakeCommandContext } from '@berth/host/fake';
import { describe, expect, it } from 'vitest';
import { isLayerId } from '../../src/layers/layer-maker.ts';
import { built } from '../blueprints/kit.ts';
import { newWorld } from '../devboxes/restart-kit.ts';
import type { TestCaller } from '../harness.ts';
import { gitWorld } from './git-world.ts';
import { layers, recording, settled, startServer } from './layers-kit.ts';

const { git, repositories } = await gitWorld();

/** A registry that wants a file or a variable which only the box itself has. */
const registry = ({ command, environment, readFile, stderr }: FakeCommandContext): number => {
  const isKnown = readFile('/home/user/.npmrc') !== undefined || environment['TOKEN'] !== undefined;
  if (!command.includes('npm install') || isKnown) {
    return 0;
  }
  stderr(Buffer.from('npm error 404 no such package\n'));
  return 1;
};

/** `boxes` are the devboxes that the host was asked for: boxes of layers are none. */
const start = async (ending: (context: FakeCommandContext) => number) => {
  const host = recording(ending);
  const boxes = new Set<string>();
  const { fake } = host;
  const create = fake.create.bind(fake);
  fake.create = (spec) => {
    if (!isLayerId(spec.id)) {
      boxes.add(spec.id);
    }
    return create(spec);
  };
  const { server } = await startServer(await newWorld(fake), fake, {
    repositories,
  });
  return { ...host, server, caller: await server.newCaller(), boxes: () => [...boxes] };
};

const register = (caller: TestCaller, name: string, setup: readonly string[] = []) =>
  caller.call('POST', '/v1/agents', {
    name,
    version: '1.2.3',
    source: { type: 'npm', npm: { package_name: name, agent_setup: setup } },
  });

const agent = (name: string) => ({ type: 'agent_mount', agent_id: null, agent_name: name });

describe('a mount that fails while its layer is made', () => {
  it('fails its devbox at once, with the last words of the installation', async () => {
    const { caller, server, fake, boxes } = await start(registry);
    await register(caller, 'wrong');
    const view = await settled(caller, { mounts: [agent('wrong')], environment_variables: { MODEL: 'x' } });
    expect(view).toMatchObject({ status: 'failure', failure_reason: 'execution_failed' });
    expect(JSON.stringify(view)).toContain(
      'agent mount wrong: the installation of wrong exited with 1: npm error 404 no such package',
    );
    expect(boxes()).toEqual([]);
    expect(await fake.list()).toEqual([]);
    expect(await fake.snapshots()).toEqual([]);
    expect(await layers(server)).toEqual([]);
    await server.close();
  });

  it('is tried again for the next devbox', async () => {
    const isBack = { value: false };
    const { caller, server, boxes } = await start((context) => (isBack.value ? 0 : registry(context)));
    await register(caller, 'away');
    expect((await settled(caller, { mounts: [agent('away')] })).status).toBe('failure');
    isBack.value = true;
    const { id, status } = await settled(caller, { mounts: [agent('away')] });
    expect(status).toBe('running');
    expect(boxes()).toEqual([id]);
    await server.close();
  });

  it('is tried in the box where a file is mounted before it', async () => {
    const { caller, server, count } = await start(registry);
    await register(caller, 'private');
    const file = { type: 'file_mount', target: '/home/user/.npmrc', content: 'token=x' };
    expect((await settled(caller, { mounts: [file, agent('private')] })).status).toBe('running');
    // In that of the layer, then in the devbox.
    expect(count('npm install')).toBeGreaterThanOrEqual(2);
    await server.close();
  });

  it('is tried in the box where commands of its owner run before it', async () => {
    const { caller, server, commands } = await start((context) => {
      if (context.command.includes('log in')) {
        context.writeFile('/home/user/.npmrc', Buffer.from('token=x'));
      }
      return context.command.includes('npm install') && context.command.includes('first') ? 0 : registry(context);
    });
    await register(caller, 'first', ['log in']);
    await register(caller, 'second');
    expect((await settled(caller, { mounts: [agent('first'), agent('second')] })).status).toBe('running');
    const second = commands.filter((command) => command.includes('npm install') && command.includes('second'));
    expect(second.length).toBeGreaterThanOrEqual(2);
    await server.close();
  });

  it('is tried in the box where files of an image may speak of its variables', async () => {
    const { caller, server, count } = await start(registry);
    await register(caller, 'token');
    const { id: blueprint_id } = await built(caller, { dockerfile: 'FROM debian:bookworm\nCOPY .npmrc /root/' });
    const wish = { mounts: [agent('token')], environment_variables: { TOKEN: 'x' }, blueprint_id };
    expect((await settled(caller, wish)).status).toBe('running');
    // In that of the layer, then in the devbox.
    expect(count('npm install')).toBeGreaterThanOrEqual(2);
    await server.close();
  });

  it('fails its devbox before any box is made where a repository cannot be had', async () => {
    const { caller, server, boxes } = await start(() => 0);
    const mount = { type: 'code_mount', repo_owner: 'public', repo_name: 'nowhere', install_command: 'make' };
    const view = await settled(caller, { mounts: [mount] });
    expect(view.status).toBe('failure');
    expect(JSON.stringify(view)).toContain('code mount nowhere: ');
    expect(boxes()).toEqual([]);
    await server.close();
  });

  it('fails its devbox where its files cannot be placed', async () => {
    git.make('public/placed').commit({ file: 'x' });
    const { caller, server, boxes } = await start(({ stderr }) => {
      stderr(Buffer.from('the image has no git\n'));
      return 1;
    });
    const mount = { type: 'code_mount', repo_owner: 'public', repo_name: 'placed' };
    const view = await settled(caller, { mounts: [mount] });
    expect(JSON.stringify(view)).toContain('code mount placed: git exited with 1: the image has no git');
    expect(boxes()).toEqual([]);
    await server.close();
  });
});
