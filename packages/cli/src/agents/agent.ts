import type { AgentCreate, AgentView } from '@berth/contract';
import type { ApiClient } from '../http/client.ts';
import { everyItem } from '../http/pages.ts';
import { CommandFailure } from '../output/failure.ts';

const base = '/v1/agents';
const isAgentId = /^agt_[0-9A-Za-z]{21}$/;

/** Whose agents are listed. */
export type AgentScope = 'own' | 'public' | 'all';

const collect = async (client: ApiClient, path: string, query: Readonly<Record<string, string | undefined>>) => {
  const agents: AgentView[] = [];
  for await (const agent of everyItem<AgentView>(client, path, 'agents', query)) {
    agents.push(agent);
  }
  return agents;
};

/** Agents of the account, then those that are public, each newest first and once. */
export const listAgents = async (
  client: ApiClient,
  scope: AgentScope,
  query: { readonly name?: string | undefined; readonly version?: string | undefined } = {},
): Promise<AgentView[]> => {
  const own = scope === 'public' ? [] : await collect(client, base, query);
  const open = scope === 'own' ? [] : await collect(client, `${base}/list_public`, query);
  const ids = new Set(own.map(({ id }) => id));
  return [...own, ...open.filter(({ id }) => !ids.has(id))];
};

export const createAgent = (client: ApiClient, wish: AgentCreate): Promise<AgentView> =>
  client.json('POST', base, { body: wish });

export const deleteAgent = (client: ApiClient, id: string): Promise<unknown> =>
  client.json('POST', `${base}/${encodeURIComponent(id)}/delete`);

/**
 * The agent of an id, or the one that a mount of this name would take: the newest of one's own, then of the installation's.
 * @throws CommandFailure when there is none
 */
export const findAgent = async (client: ApiClient, word: string): Promise<AgentView> => {
  if (isAgentId.test(word)) {
    return client.json('GET', `${base}/${word}`);
  }
  const own = await listAgents(client, 'own', { name: word });
  const open = await listAgents(client, 'public', { name: word });
  const named = [...own, ...open.filter(isReadyMade), ...open].filter(({ name }) => name === word);
  const [agent] = named;
  if (agent === undefined) {
    throw new CommandFailure(`no agent is named '${word}'`, { hint: './berth agent list shows what there is' });
  }
  return agent;
};

/** Whether it comes with the installation. */
export const isReadyMade = (agent: AgentView): boolean => agent.ready_made !== undefined;
