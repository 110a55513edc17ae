import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type DevboxServer, startDevboxServer } from '../devboxes/kit.ts';
import { type GitServer, gitToken, startGitServer } from '../repositories/git-server.ts';
import { base, begin, built, untilStatus, viewOf } from './kit.ts';

let server: DevboxServer;
let git: GitServer;
let directory: string;
beforeAll(async () => {
  git = await startGitServer();
  directory = await mkdtemp(join(tmpdir(), 'blueprint-mirrors-'));
  server = await startDevboxServer({ repositories: { directory, githubUrl: git.url, privateHosts: [git.host] } });
});
afterAll(async () => {
  await server.close();
  await git.close();
  await rm(directory, { recursive: true, force: true });
});
afterEach(() => server.host.holdBuilds(false));

const post = (path: string, body: unknown = '') => server.caller.call('POST', path, body);
const create = (wish: Record<string, unknown>) => post(base, { name: 'x', ...wish });
const rows = () => server.server.parts.database.selectFrom('blueprints').selectAll().execute();

describe('secrets of a build', () => {
  it('have their present values when the build is handed over, and stand nowhere else', async () => {
    await post('/v1/secrets', { name: 'build-token', value: 'very secret' });
    const view = await built(server.caller, { secrets: { TOKEN: 'build-token' } });
    expect(view).toMatchObject({ status: 'build_complete', parameters: { secrets: { TOKEN: 'build-token' } } });
    expect(server.host.buildSpec(view.id)?.secrets).toEqual({ TOKEN: 'very secret' });
    expect(JSON.stringify(await rows())).not.toContain('very secret');
  });

  it('have to be there', async () => {
    expect(await create({ secrets: { TOKEN: 'nope' } })).toMatchObject({
      status: 400,
      json: { code: 'unknownSecret' },
    });
    expect((await create({ secrets: { TOKEN: 'a' }, build_args: { TOKEN: 'b' } })).status).toBe(400);
  });

  it('fail a build that is handed over after they were deleted', async () => {
    await post('/v1/secrets', { name: 'short-lived', value: 'x' });
    server.host.setUnreachable(true);
    const id = await begin(server.caller, { secrets: { A: 'short-lived' } });
    await post('/v1/secrets/short-lived/delete');
    server.host.setUnreachable(false);
    const view = await untilStatus(server.caller, id, 'failed', 'build_complete');
    expect(view).toMatchObject({ status: 'failed', failure_reason: 'build_failed' });
    expect(view.failure_message).toContain("secret 'short-lived' was deleted");
    const { json } = await server.caller.call('GET', `${base}/${id}/logs`);
    expect(json.logs).toEqual([expect.objectContaining({ level: 'error', message: view.failure_message })]);
  });
});

describe('repositories', () => {
  const mounts = [{ repo_owner: 'private', repo_name: 'house', token: gitToken, git_ref: 'main' }];

  it('are fetched here and handed over as packs; the token stands in no command, context, view or row in clear', async () => {
    const commit = git.make('private/house').commit({ 'README.md': 'a house' });
    server.host.holdBuilds(true);
    const id = await begin(server.caller, { code_mounts: mounts });
    await untilStatus(server.caller, id, 'provisioning');
    expect(JSON.stringify(await rows())).not.toContain(gitToken);
    expect((await rows()).find((row) => row.id === id)?.sealed_credentials).not.toBeNull();
    server.host.holdBuilds(false);
    const view = await untilStatus(server.caller, id, 'build_complete', 'failed');
    expect(view.parameters.code_mounts).toEqual([{ repo_owner: 'private', repo_name: 'house', git_ref: 'main' }]);
    const spec = server.host.buildSpec(id);
    expect(spec).toMatchObject({ context: true, secrets: {} });
    expect(spec?.steps).toContainEqual({
      kind: 'run',
      tree: '0',
      command: expect.stringContaining('/home/user/house'),
    });
    expect(JSON.stringify(spec)).toContain(commit);
    expect(JSON.stringify(spec)).not.toContain(gitToken);
    const uploaded = Buffer.from(server.host.buildContext(id) ?? '').toString('latin1');
    expect(uploaded).toMatch(/trees\/0\/\.git\/objects\/pack\/pack-[0-9a-f]{40}\.pack/);
    expect(uploaded).not.toContain(gitToken);
    expect((await rows()).find((row) => row.id === id)?.sealed_credentials).toBeNull();
    const again = await built(server.caller, { code_mounts: mounts });
    expect(Buffer.from(server.host.buildContext(again.id) ?? '').toString('latin1')).toBe(uploaded);
  });

  it('that cannot be had fail the build with the reason', async () => {
    git.make('private/closed').commit({ a: 'a' });
    const denied = await built(server.caller, { code_mounts: [{ repo_owner: 'private', repo_name: 'closed' }] });
    expect(denied).toMatchObject({ status: 'failed', failure_message: expect.stringContaining('was denied') });
    const none = await built(server.caller, { code_mounts: [{ ...mounts[0], git_ref: 'no-such-branch' }] });
    expect(none).toMatchObject({ status: 'failed', failure_message: expect.stringContaining('no-such-branch') });
  });

  it.each([
    { repo_owner: '-o', repo_name: 'r' },
    { repo_owner: 'o', repo_name: '..' },
    { repo_owner: 'o/p', repo_name: 'r' },
    { repo_owner: 'o', repo_name: 'r', git_ref: '--upload-pack=x' },
    { repo_owner: 'o', repo_name: "r'; id" },
  ])('are refused when they are no names: %j', async (mount) => {
    expect((await create({ code_mounts: [mount] })).status).toBe(400);
  });

  it.each([{ path: '/srv/r' }, { depth: 1 }, { submodules: false }])(
    'are refused with what only mounts of devboxes take: %j',
    async (more) => {
      const { status, json } = await create({ code_mounts: [{ repo_owner: 'o', repo_name: 'r', ...more }] });
      expect(status).toBe(400);
      expect(json.message).toMatch(new RegExp(`code_mounts.*${Object.keys(more)[0]}.*mounts of devboxes`));
    },
  );
});

describe('a base blueprint', () => {
  it('is taken by id, or as the newest of its name that is built', async () => {
    const older = await built(server.caller, { name: 'base' });
    const newer = await built(server.caller, { name: 'base' });
    await built(server.caller, { name: 'base', dockerfile: 'RAN' });
    const byId = await built(server.caller, { base_blueprint_id: older.id });
    expect(byId).toMatchObject({ status: 'build_complete', base_blueprint_id: older.id });
    expect(server.host.buildSpec(byId.id)?.baseImageId).toBe(older.id);
    expect(await built(server.caller, { base_blueprint_name: 'base' })).toMatchObject({ base_blueprint_id: newer.id });
  });

  it('has to be there, built, and the only one', async () => {
    const failed = await built(server.caller, { dockerfile: 'RAN' });
    expect((await create({ base_blueprint_id: failed.id })).json.code).toBe('blueprintNotReady');
    expect((await create({ base_blueprint_id: 'bpt_000000000000000000000' })).json.code).toBe('unknownSource');
    expect((await create({ base_blueprint_id: 'nonsense' })).json.code).toBe('unknownSource');
    expect((await create({ base_blueprint_name: 'no such name' })).json.code).toBe('unknownSource');
    const good = await built(server.caller);
    expect((await create({ base_blueprint_id: good.id, base_blueprint_name: 'x' })).status).toBe(400);
    expect((await create({ base_blueprint_id: good.id, dockerfile: 'FROM debian' })).status).toBe(400);
    const beside = await built(server.caller, { base_blueprint_id: good.id, dockerfile: 'FROM berth:base\nENV A=1' });
    expect(beside).toMatchObject({ status: 'build_complete', base_blueprint_id: good.id });
  });

  it('keeps its image until builds that stand on it have ended', async () => {
    const good = await built(server.caller);
    server.host.holdBuilds(true);
    const id = await begin(server.caller, { base_blueprint_id: good.id });
    await post(`${base}/${good.id}/delete`);
    await untilStatus(server.caller, id, 'provisioning');
    expect((await server.host.images()).some((image) => image.id === good.id)).toBe(true);
    server.host.holdBuilds(false);
    expect((await untilStatus(server.caller, id, 'build_complete', 'failed')).status).toBe('build_complete');
    for (;;) {
      if (!(await server.host.images()).some((image) => image.id === good.id)) {
        break;
      }
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    expect(await viewOf(server.caller, good.id)).toMatchObject({ state: 'deleted', status: 'build_complete' });
  });
});

describe('what is handed over', () => {
  it('is everything, in the order of the API, as the user of the boxes', async () => {
    const view = await built(server.caller, {
      file_mounts: { 'notes.txt': 'a', '/etc/motd': 'b' },
      system_setup_commands: ['one', 'two'],
      build_args: { A: '1' },
      network_policy_id: 'np_1',
      launch_parameters: { user_parameters: { username: 'root', uid: 0 } },
    });
    expect(server.host.buildSpec(view.id)).toMatchObject({
      id: view.id,
      context: false,
      arguments: { A: '1' },
      networkPolicy: 'np_1',
      cacheScope: server.caller.account,
      user: { name: 'root', uid: 0, home: '/root' },
      steps: [
        { kind: 'file', path: '/root/notes.txt', content: 'a' },
        { kind: 'file', path: '/etc/motd', content: 'b' },
        { kind: 'run', command: 'one' },
        { kind: 'run', command: 'two' },
      ],
    });
  });
});
