import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readReadyMade, readyMadeDirectory } from '../../src/agents/ready-made.ts';
import { registerReadyMade } from '../../src/agents/seed.ts';
import { AgentStore } from '../../src/agents/store.ts';
import { eventually } from '../devboxes/kit.ts';
import { startTestServer, type TestCaller, type TestServer } from '../harness.ts';

let server: TestServer;
let caller: TestCaller;

beforeAll(async () => {
  server = await startTestServer();
  caller = await server.newCaller();
});
afterAll(() => server.close());

const rows = async (): Promise<{ id: string; name: string; version: string }[]> =>
  (await caller.call('GET', '/v1/agents/list_public?limit=100')).json.agents.filter(
    (agent: { ready_made?: object }) => agent.ready_made !== undefined,
  );

describe('agents that come with the installation', () => {
  it('are registered when the server starts, public, with how they are started', async () => {
    const agents = await readReadyMade();
    await eventually(async () => (await rows()).length === agents.length);
    expect((await rows()).map(({ name }) => name).sort()).toEqual(agents.map(({ name }) => name));
    expect(await rows()).toContainEqual(
      expect.objectContaining({
        name: 'claude-code',
        is_public: true,
        source: expect.objectContaining({ type: 'npm' }),
        ready_made: expect.objectContaining({ key_variable: 'ANTHROPIC_API_KEY', wire: 'anthropic-messages' }),
      }),
    );
  });

  it('keep their rows when nothing has changed, and get a new one when something has', async () => {
    const agents = await readReadyMade();
    const before = await rows();
    await Promise.all([1, 2, 3].map(() => registerReadyMade(server.server.parts.database, agents)));
    expect(await rows()).toEqual(before);
    const [first, ...others] = agents;
    if (first === undefined) {
      throw new Error('there is no agent');
    }
    const { database } = server.server.parts;
    await registerReadyMade(database, [{ ...first, version: '999.0' }, ...others, { ...first, name: 'further' }]);
    const after = await rows();
    const ids = new Set(before.map(({ id }) => id));
    expect(after).toHaveLength(agents.length + 1);
    expect(after.find(({ name }) => name === first.name)).toMatchObject({ version: '999.0' });
    expect(
      after
        .filter(({ id }) => !ids.has(id))
        .map(({ name }) => name)
        .sort(),
    ).toEqual([first.name, 'further'].sort());
    await registerReadyMade(database, agents);
    expect(await rows()).toHaveLength(agents.length);
  });

  it('are found by name before what other accounts made public, and after one’s own', async () => {
    const store = new AgentStore(server.server.parts.database);
    const impostor = await server.newCaller('impostor');
    await impostor.call('POST', '/v1/agents', { name: 'claude-code', is_public: true });
    await impostor.call('POST', '/v1/agents', { name: 'only-theirs', is_public: true });
    expect(await store.findNamed(caller.account, 'claude-code')).toMatchObject({ account_id: null });
    expect(await store.findNamed(caller.account, 'only-theirs')).toMatchObject({ account_id: impostor.account });
    await caller.call('POST', '/v1/agents', { name: 'claude-code', version: 'old' });
    await caller.call('POST', '/v1/agents', { name: 'claude-code', version: 'mine' });
    expect(await store.findNamed(caller.account, 'claude-code')).toMatchObject({ version: 'mine' });
    expect(await store.findNamed(caller.account, 'nothing')).toBeUndefined();
  });
});

describe('manifests', () => {
  const directory = mkdtempSync(join(tmpdir(), 'manifests-'));
  afterAll(() => rmSync(directory, { recursive: true }));
  const read = (manifest: object) => {
    mkdirSync(join(directory, 'one'), { recursive: true });
    writeFileSync(join(directory, 'one/agent.json'), JSON.stringify(manifest));
    writeFileSync(join(directory, 'one/program.mjs'), "'$HOME' `x` \\ end\nend\n");
    return readReadyMade(pathToFileURL(`${directory}/`));
  };
  const whole = {
    name: 'one',
    title: 'One',
    version: '1.2.3',
    npm: { package_name: 'one' },
    run: 'one',
    environment: {},
    key_variable: 'KEY',
    base_url_variable: 'URL',
    model_variable: 'MODEL',
    wire: 'openai-chat',
  };

  it('of this checkout pin a version each', async () => {
    const agents = await readReadyMade(readyMadeDirectory);
    expect(agents.length).toBeGreaterThan(0);
    for (const { version } of agents) {
      expect(version).toMatch(/^\d+\.\d+\.\d+$/);
    }
  });

  it('bring files and further packages as set-up commands', async () => {
    const [agent] = await read({
      ...whole,
      npm_with: ['other@2.0.0'],
      files: { '.local/one/program.mjs': 'program.mjs' },
      setup: ['echo last'],
    });
    const setup = agent?.source.npm?.agent_setup ?? [];
    expect(setup).toHaveLength(3);
    expect(setup[0]).toContain('other@2.0.0');
    expect(setup[1]).toContain('"$HOME/.local/one/program.mjs"');
    expect(setup[2]).toBe('echo last');
  });

  it.each([
    ['another name than its directory', { name: 'two' }],
    ['a file outside the home', { files: { '../x': 'program.mjs' } }],
    ['a file from elsewhere', { files: { x: '../program.mjs' } }],
    ['a package without version', { npm_with: ['other'] }],
    ['an unknown wire', { wire: 'smoke-signals' }],
  ])('with %s are refused', async (_what, change) => {
    await expect(read({ ...whole, ...change })).rejects.toThrow('agents/one/agent.json');
  });
});
