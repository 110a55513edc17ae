import {
  type AgentCreate,
  type AgentDevboxCounts,
  type AgentListQuery,
  type AgentListView,
  type AgentView,
  newId,
} from '@berth/contract';
import { apiError } from '../errors/api-error.ts';
import { type Agent, agentView } from './agent.ts';
import type { AgentScope, AgentStore } from './store.ts';

/** Agents as callers ask for them (API §14). What is registered is looked at when it is mounted, not before. */
export class AgentService {
  readonly #store: AgentStore;

  constructor(store: AgentStore) {
    this.#store = store;
  }

  /** Registers an agent. The same token always means the same one. */
  async create(account: string, wish: AgentCreate, token: string | undefined): Promise<AgentView> {
    const id = await this.#store.insert(
      {
        id: newId('agent'),
        account_id: account,
        name: wish.name,
        version: wish.version ?? null,
        is_public: wish.is_public ?? false,
        source: wish.source ?? null,
        ready_made: null,
      },
      token,
    );
    return this.get(account, id);
  }

  /** Throws `notFound`. */
  async get(account: string, id: string): Promise<AgentView> {
    return agentView(await this.#require(account, id));
  }

  /** Those of the account; all public ones when only public ones are asked for. */
  async list(account: string, query: AgentListQuery): Promise<AgentListView> {
    return this.#page(query.is_public === true ? 'public' : { account }, query);
  }

  async listPublic(query: AgentListQuery): Promise<AgentListView> {
    return this.#page('public', query);
  }

  /** Throws `notFound`, also for a public one of somebody else. */
  async delete(account: string, id: string): Promise<void> {
    if (!(await this.#store.delete(account, id))) {
      throw apiError('notFound', { resource: 'agent', id });
    }
  }

  async devboxCounts(account: string): Promise<AgentDevboxCounts> {
    const counts = await this.#store.devboxCounts(account);
    return { counts: Object.fromEntries(counts), total_count: counts.reduce((sum, [, count]) => sum + count, 0) };
  }

  async #page(scope: AgentScope, query: AgentListQuery): Promise<AgentListView> {
    const page = await this.#store.page(scope, query);
    return {
      agents: page.agents.map(agentView),
      has_more: page.hasMore,
      ...(page.totalCount === null ? {} : { total_count: page.totalCount }),
    };
  }

  async #require(account: string, id: string): Promise<Agent> {
    const agent = await this.#store.findVisible(account, id);
    if (agent === undefined) {
      throw apiError('notFound', { resource: 'agent', id });
    }
    return agent;
  }
}
