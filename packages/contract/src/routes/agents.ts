import { z } from 'zod';
import { agentCreate, agentDevboxCounts, agentListQuery, agentListView, agentView } from '../agents.ts';
import { defineRoute } from '../route.ts';
import { emptyObject } from './devbox-parts.ts';

const tag = 'agents';
const read = { resource: 'AGENTS', level: 'READ' } as const;
const write = { resource: 'AGENTS', level: 'WRITE' } as const;
const byAgent = { params: z.object({ id: z.string() }), ids: { id: 'agent' } } as const;

/** Agents that can be mounted into devboxes (API §14). */
export const agentRoutes = {
  create: defineRoute({
    method: 'POST',
    path: '/v1/agents',
    operationId: 'createAgent',
    summary: 'Register an agent; names may repeat, the newest counts',
    tag,
    access: write,
    idempotency: 'token',
    body: agentCreate,
    response: agentView,
  }),
  list: defineRoute({
    method: 'GET',
    path: '/v1/agents',
    operationId: 'listAgents',
    summary: 'List the agents of the account, newest first; with `is_public=true` all public ones',
    tag,
    access: read,
    query: agentListQuery,
    response: agentListView,
  }),
  listPublic: defineRoute({
    method: 'GET',
    path: '/v1/agents/list_public',
    operationId: 'listPublicAgents',
    summary:
      'List public agents, newest first: those that come with the installation, and those that accounts made public',
    tag,
    access: read,
    query: agentListQuery,
    response: agentListView,
  }),
  devboxCounts: defineRoute({
    method: 'GET',
    path: '/v1/agents/devbox_counts',
    operationId: 'countAgentDevboxes',
    summary: 'How many devboxes of the account were made with each agent, by name',
    tag,
    access: read,
    response: agentDevboxCounts,
  }),
  get: defineRoute({
    method: 'GET',
    path: '/v1/agents/{id}',
    operationId: 'getAgent',
    summary: 'View an agent of the account, or a public one',
    tag,
    access: read,
    ...byAgent,
    response: agentView,
  }),
  delete: defineRoute({
    method: 'POST',
    path: '/v1/agents/{id}/delete',
    operationId: 'deleteAgent',
    summary: 'Delete an agent; devboxes made with it live on',
    tag,
    access: write,
    ...byAgent,
    response: emptyObject,
  }),
};
