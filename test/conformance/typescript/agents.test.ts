import type Runloop from '@runloop/api-client';
import { NotFoundError } from '@runloop/api-client';
import { describe, expect, it } from 'vitest';
import { output, whatBecameOf, withBox } from '../../platform/boxes.ts';
import { rawClient, request, sdkClient, transports } from '../../platform/clients.ts';
import { gitToken, gitUrl, makeRepository } from '../../platform/git.ts';

describe.each(transports)('agents over %s (API §14)', (transport) => {
  const client = rawClient(transport);

  it('are created, viewed, listed and deleted', async () => {
    const name = `made-up-${crypto.randomUUID()}`;
    const source = { type: 'npm', npm: { package_name: '@made/up', registry_url: null, agent_setup: ['echo hello'] } };
    const created = await client.agents.create({ name, version: '1.0.0', source });
    expect(created).toMatchObject({ name, version: '1.0.0', is_public: false, source: { type: 'npm' } });
    expect(created.id).toMatch(/^agt_/);
    expect(await client.agents.retrieve(created.id)).toEqual(created);
    const second = await client.agents.create({ name, version: '2.0.0', source: null });
    const page = await client.agents.list({ name, limit: 1 });
    expect([page.agents[0]?.id, page.has_more, page.total_count]).toEqual([second.id, true, 2]);
    const seen: string[] = [];
    for await (const agent of client.agents.list({ search: name, limit: 1 })) {
      seen.push(agent.id);
    }
    expect(seen).toEqual([second.id, created.id]);
    for (const { id } of [created, second]) {
      expect(await client.agents.delete(id)).toEqual({});
      await expect(client.agents.retrieve(id)).rejects.toThrow(NotFoundError);
    }
  });

  it('that come with the installation are public', async () => {
    const names: string[] = [];
    for await (const agent of client.agents.listPublic({ limit: 2 })) {
      names.push(agent.name);
    }
    expect(names).toEqual(expect.arrayContaining(['claude-code', 'codex', 'gemini-cli', 'opencode', 'deepagents']));
  });
});

/** What asks a package registry is tried again: it is not part of Berth, and may be away for a moment. */
const asksRegistry = { retry: 2, timeout: 300_000 };

describe('agent mounts (API §11)', () => {
  const client = rawClient();
  type Source = NonNullable<Runloop.AgentCreateParams['source']>;
  const register = (source: Source, version?: string) =>
    client.agents.create({
      name: `agent-${crypto.randomUUID()}`,
      source,
      ...(version === undefined ? {} : { version }),
    });
  const mount = (agent: Runloop.AgentView, more: object = {}) => ({
    mounts: [{ type: 'agent_mount' as const, agent_id: agent.id, agent_name: null, ...more }],
  });

  it('clone a repository and set it up there', async () => {
    const repository = makeRepository('private/agent');
    repository.commit({ 'agent.sh': 'echo "I am $(cat name)"' });
    repository.git('checkout', '--quiet', '-b', 'next');
    repository.commit({ 'agent.sh': 'echo "I am the next $(cat name)"' });
    const agent_setup = ['pwd > where', 'whoami > name'];
    const git = { repository: `${gitUrl()}/private/agent.git`, ref: 'next', agent_setup };
    const agent = await register({ type: 'git', git });
    const params = mount(agent, { agent_path: '/home/user/agents/one', auth_token: gitToken });
    await withBox(client, params, async ({ id }) => {
      expect(await output(client, id, 'cd agents/one && cat where && bash agent.sh')).toBe(
        '/home/user/agents/one\nI am the next user\n',
      );
      const { counts, total_count } = await client.agents.devboxCounts();
      expect(counts[agent.name]).toBe(1);
      expect(total_count).toBeGreaterThanOrEqual(1);
    });
  });

  it('place an object, owned by the user of the box, and set it up beside it', async () => {
    const sdk = sdkClient();
    const text = await sdk.storageObject.uploadFromText('echo "I am $0"', `agent-${crypto.randomUUID()}`);
    const agent = await register({ type: 'object', object: { object_id: text.id, agent_setup: ['pwd > where'] } });
    await withBox(client, mount(agent, { agent_path: '/home/user/test-agent' }), async ({ id }) => {
      expect(await output(client, id, 'ls -la /home/user/test-agent && bash test-agent && cat where')).toMatch(
        /user user .* \/home\/user\/test-agent\nI am test-agent\n\/home\/user\n$/,
      );
    });
    await text.delete();
    const body = JSON.stringify(mount(agent, { agent_path: '/home/user/test-agent' }));
    expect((await request('/v1/devboxes', { method: 'POST', body })).status).toBe(400);
  });

  it('install a package of npm, and one of pip, for everybody', asksRegistry, async () => {
    const npm = await register(
      { type: 'npm', npm: { package_name: 'semver', agent_setup: ['semver 1.2.3 > version'] } },
      '7.7.2',
    );
    const pip = await register({ type: 'pip', pip: { package_name: 'wheel' } }, '0.45.1');
    const mounts = [npm, pip].flatMap((agent) => mount(agent).mounts);
    await withBox(client, { mounts }, async ({ id }) => {
      const version = `node -p 'require("/usr/local/lib/node_modules/semver/package.json").version'`;
      expect(await output(client, id, `cat version; ${version}; sudo semver 2.0.0`)).toBe('1.2.3\n7.7.2\n2.0.0\n');
      expect(await output(client, id, 'wheel version; ls /root/.npm /root/.cache 2>/dev/null | wc -l')).toMatch(
        /^wheel 0\.45\.1.*\n0\n$/,
      );
    });
  });

  it('are found by name: the newest of one’s own', async () => {
    const name = `named-${crypto.randomUUID()}`;
    const repository = makeRepository(`ada/${name}`);
    repository.commit({ file: 'x' });
    for (const word of ['old', 'new']) {
      const git = { repository: `${gitUrl()}/ada/${name}.git`, agent_setup: [`echo ${word} > word`] };
      await client.agents.create({ name, source: { type: 'git', git } });
    }
    const mounts = [{ type: 'agent_mount' as const, agent_id: null, agent_name: name, agent_path: 'mine' }];
    await withBox(client, { mounts }, async ({ id }) => {
      expect(await output(client, id, 'cat /home/user/mine/word')).toBe('new\n');
    });
  });

  const failed = async (agent: Runloop.AgentView, more: object = {}): Promise<string> => {
    const view = await whatBecameOf(client, mount(agent, more));
    expect(view).toMatchObject({ status: 'failure', failure_reason: 'execution_failed' });
    return JSON.stringify(view.state_transitions);
  };

  it('end the box with the last output when the installation fails', asksRegistry, async () => {
    const agent = await register({ type: 'npm', npm: { package_name: '@made-up-for-berth/no-such-package' } });
    expect(await failed(agent)).toMatch(/the installation of agent-.*no-such-package/);
  });

  it('end the box with the last output when the set-up fails', async () => {
    const repository = makeRepository('ada/half-set-up');
    repository.commit({ file: 'x' });
    const agent_setup = ['true', 'echo last words >&2; exit 3'];
    const git = { repository: `${gitUrl()}/ada/half-set-up.git`, agent_setup };
    expect(await failed(await register({ type: 'git', git }), { agent_path: 'half' })).toContain(
      'set-up command 2 exited with 3: last words',
    );
  });

  it('are refused for what there is not, or cannot be placed', async () => {
    const bare = await client.agents.create({ name: 'bare' });
    const git = await register({ type: 'git', git: { repository: `${gitUrl()}/ada/x.git` } });
    const refused = [
      { agent_id: 'agt_nonsense' },
      { agent_id: 'agt_000000000000000000000' },
      { agent_name: `nobody-${crypto.randomUUID()}` },
      { agent_id: bare.id },
      { agent_id: git.id },
      {},
    ];
    for (const each of refused) {
      const body = JSON.stringify({ mounts: [{ type: 'agent_mount', ...each }] });
      expect([each, (await request('/v1/devboxes', { method: 'POST', body })).status]).toEqual([each, 400]);
    }
  });
});
