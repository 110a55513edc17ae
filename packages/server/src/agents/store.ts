import type { AgentListQuery } from '@berth/contract';
import { type ExpressionBuilder, type SqlBool, sql } from 'kysely';
import type { Database } from '../database/database.ts';
import { nameConditions } from '../database/name-filter.ts';
import { readPage } from '../database/page.ts';
import type { Schema } from '../database/schema.ts';
import { createOnce } from '../idempotency/create-once.ts';
import type { Agent } from './agent.ts';

export interface AgentPage {
  readonly agents: readonly Agent[];
  readonly hasMore: boolean;
  readonly totalCount: number | null;
}

/** An agent about to be registered. */
export type NewAgent = Omit<Agent, 'create_ms'>;

/** Whose agents a list shows: those of one account, or all public ones. */
export type AgentScope = { readonly account: string } | 'public';

/** Rows of `agents`. */
export class AgentStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Registers an agent; the same token always means the same one. Returns its id. */
  async insert(agent: NewAgent, token: string | undefined): Promise<string> {
    const { id } = await createOnce(this.#database, token, agent.id, (transaction) => insertAgent(transaction, agent));
    return id;
  }

  /** An agent of the account, or a public one. */
  async findVisible(account: string, id: string): Promise<Agent | undefined> {
    return this.#database
      .selectFrom('agents')
      .selectAll()
      .where('id', '=', id)
      .where((where) => where.or([where('account_id', '=', account), where('is_public', '=', true)]))
      .executeTakeFirst();
  }

  /**
   * The newest agent of this name: the account's own before those that come with the installation, and those before what other accounts
   * made public, so that nobody can put an agent of theirs under a known name.
   */
  async findNamed(account: string, name: string): Promise<Agent | undefined> {
    return this.#database
      .selectFrom('agents')
      .selectAll()
      .where('name', '=', name)
      .where((where) => where.or([where('account_id', '=', account), where('is_public', '=', true)]))
      .orderBy(sql`case when account_id = ${account} then 0 when account_id is null then 1 else 2 end`)
      .orderBy('id', 'desc')
      .limit(1)
      .executeTakeFirst();
  }

  /** Newest first. */
  async page(scope: AgentScope, query: AgentListQuery): Promise<AgentPage> {
    const matches = this.#database.selectFrom('agents').where((where) => filters(where, scope, query));
    const after = query.starting_after;
    const page = matches
      .$if(after !== undefined, (matching) => matching.where('id', '<', after ?? ''))
      .selectAll()
      .orderBy('id', 'desc');
    const { rows, hasMore, totalCount } = await readPage(query, matches, page);
    return { agents: rows, hasMore, totalCount };
  }

  /** False when the account has no such agent. */
  async delete(account: string, id: string): Promise<boolean> {
    const deleted = await this.#database
      .deleteFrom('agents')
      .where('id', '=', id)
      .where('account_id', '=', account)
      .returning('id')
      .executeTakeFirst();
    return deleted !== undefined;
  }

  /** Remembers that a box was made with an agent. Safe to repeat. */
  async recordMount(devboxId: string, agentId: string, name: string): Promise<void> {
    await this.#database
      .insertInto('devbox_agents')
      .values({ devbox_id: devboxId, agent_id: agentId, agent_name: name })
      .onConflict((conflict) => conflict.doNothing())
      .execute();
  }

  /** Devboxes of the account by the name of the agent they were made with. */
  async devboxCounts(account: string): Promise<ReadonlyArray<readonly [string, number]>> {
    const rows = await this.#database
      .selectFrom('devbox_agents')
      .innerJoin('devboxes', 'devboxes.id', 'devbox_agents.devbox_id')
      .where('devboxes.account_id', '=', account)
      .groupBy('agent_name')
      .select(['agent_name', sql<number>`count(distinct devboxes.id)`.as('count')])
      .orderBy('agent_name')
      .execute();
    return rows.map((row) => [row.agent_name, row.count]);
  }
}

/** Writes the row of an agent within a transaction. */
export const insertAgent = async (transaction: Database, agent: NewAgent): Promise<void> => {
  await transaction
    .insertInto('agents')
    .values({
      ...agent,
      source: agent.source === null ? null : JSON.stringify(agent.source),
      ready_made: agent.ready_made === null ? null : JSON.stringify(agent.ready_made),
      create_ms: sql<number>`now_ms()`,
    })
    .execute();
};

const inScope = (where: ExpressionBuilder<Schema, 'agents'>, scope: AgentScope) =>
  scope === 'public' ? where('is_public', '=', true) : where('account_id', '=', scope.account);

const filters = (where: ExpressionBuilder<Schema, 'agents'>, scope: AgentScope, query: AgentListQuery) => {
  const { version, is_public } = query;
  const newest = sql<SqlBool>`id in (
    select max(id) from agents where ${scope === 'public' ? sql`is_public` : sql`account_id = ${scope.account}`} group by name
  )`;
  return where.and([
    inScope(where, scope),
    ...(is_public === undefined ? [] : [where('is_public', '=', is_public)]),
    ...nameConditions(query),
    ...(version === undefined ? [] : [version === 'latest' ? newest : where('version', '=', version)]),
  ]);
};
