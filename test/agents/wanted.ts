import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { agentManifest, type ReadyMade } from '@berth/contract';

const all = ['claude-code', 'codex', 'gemini-cli', 'opencode', 'deepagents'];

/** Agents that are tested: those that BERTH_TEST_AGENTS names, `all` of them, or those of an ordinary run. */
export const wantedAgents = (ordinary: readonly string[]): readonly string[] => {
  const wanted = process.env['BERTH_TEST_AGENTS'];
  return wanted === undefined ? ordinary : wanted === 'all' ? all : wanted.split(',');
};

/** What comes with Berth for this agent. */
export const manifestOf = (name: string) =>
  agentManifest.parse(JSON.parse(readFileSync(join(import.meta.dirname, '../../agents', name, 'agent.json'), 'utf8')));

/** Where each vendor's clients put the version of the API: into the base URL, or behind it. */
export const basePath: Readonly<Record<ReadyMade['wire'], string>> = {
  'anthropic-messages': '',
  'openai-responses': '/v1',
  'openai-chat': '/v1',
  gemini: '',
};
