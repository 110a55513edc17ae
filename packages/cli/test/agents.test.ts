import type { AgentView } from '@berth/contract';
import { describe, expect, it } from 'vitest';
import { findAgent, listAgents } from '../src/agents/agent.ts';
import { agentTable, agentText, sourceText } from '../src/agents/agent-text.ts';
import { agentWish } from '../src/commands/agent/create.ts';
import { keysFor, readReadyMade } from '../src/run/ready-made-agent.ts';
import { type Answer, scriptedApi } from './scripted-api.ts';

const readyMade = {
  title: 'Claude Code',
  run: 'claude -p "$BERTH_TASK"',
  environment: { IS_SANDBOX: '1' },
  key_variable: 'ANTHROPIC_API_KEY',
  base_url_variable: 'ANTHROPIC_BASE_URL',
  model_variable: 'ANTHROPIC_MODEL',
  wire: 'anthropic-messages',
} as const;

const agent = (id: string, name: string, more: Partial<AgentView> = {}): AgentView => ({
  id: `agt_${id.padEnd(21, '0')}`,
  name,
  create_time_ms: Date.now(),
  is_public: false,
  version: null,
  source: { type: 'npm', npm: { package_name: name } },
  ...more,
});

const own = [agent('4', 'mine', { version: '2' }), agent('3', 'mine', { version: '1' })];
const open = [
  agent('6', 'claude-code', { is_public: true, version: 'impostor' }),
  agent('5', 'claude-code', { is_public: true, version: '2.1.330', ready_made: readyMade }),
  agent('4', 'mine', { is_public: true, version: '2' }),
];

const api = (secrets: readonly string[] = []) =>
  scriptedApi(({ path, query }): Answer => {
    const filter = (agents: readonly AgentView[]) => agents.filter(({ name }) => name.includes(query['name'] ?? ''));
    if (path === '/v1/agents') {
      return [200, { agents: filter(own), has_more: false }];
    }
    if (path === '/v1/agents/list_public') {
      return [200, { agents: filter(open), has_more: false }];
    }
    const secret = /^\/v1\/secrets\/(.+)$/.exec(path)?.[1];
    return secret !== undefined && secrets.includes(secret) ? [200, { name: secret }] : [404, { message: 'not found' }];
  });

describe('agents of the command line', () => {
  it('are listed once each, own ones first', async () => {
    await using server = await api();
    const versions = async (scope: 'own' | 'public' | 'all') =>
      (await listAgents(server.client, scope)).map(({ version }) => version);
    expect(await versions('all')).toEqual(['2', '1', 'impostor', '2.1.330']);
    expect(await versions('own')).toEqual(['2', '1']);
    expect(await versions('public')).toEqual(['impostor', '2.1.330', '2']);
  });

  it('are found as a mount finds them', async () => {
    await using server = await api();
    expect(await findAgent(server.client, 'mine')).toMatchObject({ version: '2' });
    expect(await findAgent(server.client, 'claude-code')).toMatchObject({ version: '2.1.330' });
    await expect(findAgent(server.client, 'nobody')).rejects.toThrow("no agent is named 'nobody'");
  });

  it('are shown with where they come from and how they are started', () => {
    const [, found] = open;
    const text = found === undefined ? '' : agentText(found);
    expect(text).toContain('npm claude-code');
    expect(text).toContain('ANTHROPIC_API_KEY');
    expect(text).toContain('./berth run --agent claude-code');
    expect(agentTable(own)).toContain('own');
    expect(sourceText({ type: 'git', git: { repository: 'https://x/y', ref: 'v2' } })).toBe('git https://x/y at v2');
    expect(sourceText(null)).toBe('-');
  });

  it('are registered from one source', () => {
    expect(agentWish('a', { pip: 'aider-chat', version: '1.0', setup: ['x'], public: true })).toEqual({
      name: 'a',
      version: '1.0',
      is_public: true,
      source: { type: 'pip', pip: { package_name: 'aider-chat', agent_setup: ['x'] } },
    });
    expect(agentWish('a', { git: 'https://x/y', ref: 'v2' }).source).toEqual({
      type: 'git',
      git: { repository: 'https://x/y', ref: 'v2' },
    });
    expect(agentWish('a', { object: 'obj_1' }).source).toEqual({ type: 'object', object: { object_id: 'obj_1' } });
    expect(() => agentWish('a', {})).toThrow('one of --npm');
    expect(() => agentWish('a', { npm: 'a', pip: 'b' })).toThrow('one of --npm');
    expect(() => agentWish('a', { npm: 'a', ref: 'v2' })).toThrow('--ref goes with --git');
    expect(() => agentWish('a', { git: 'a', registry: 'https://x' })).toThrow('--registry');
  });
});

describe('./berth run with an agent that comes with Berth', () => {
  it('takes it by its name, never one that somebody else made public', async () => {
    await using server = await api();
    const found = await readReadyMade(server.client, 'claude-code');
    expect(found).toMatchObject({ name: 'claude-code', mount: { agent_id: `agt_5${'0'.repeat(20)}` }, readyMade });
    expect(found?.run).toContain('claude -p "$BERTH_TASK"');
    expect(await readReadyMade(server.client, 'mine')).toBeUndefined();
    const asked = server.seen.length;
    expect(await readReadyMade(server.client, 'grep -rn TODO .')).toBeUndefined();
    expect(server.seen.length).toBe(asked);
  });

  it('hands it key, base URL and model', async () => {
    await using server = await api(['ANTHROPIC_API_KEY']);
    const keys = (given: readonly string[], environment: Record<string, string>) =>
      keysFor(server.client, readyMade, new Set(given), environment);
    const surroundings = { ANTHROPIC_API_KEY: 'k', ANTHROPIC_BASE_URL: 'http://gate', ANTHROPIC_MODEL: '', OTHER: 'x' };
    expect(await keys([], surroundings)).toEqual({
      environment: { ANTHROPIC_API_KEY: 'k', ANTHROPIC_BASE_URL: 'http://gate' },
      secrets: {},
    });
    expect(await keys(['ANTHROPIC_API_KEY'], surroundings)).toEqual({
      environment: { ANTHROPIC_BASE_URL: 'http://gate' },
      secrets: {},
    });
    expect(await keys([], {})).toEqual({ environment: {}, secrets: { ANTHROPIC_API_KEY: 'ANTHROPIC_API_KEY' } });
    await using without = await api();
    await expect(keysFor(without.client, readyMade, new Set(), {})).rejects.toThrow('Claude Code needs a key');
  });
});
