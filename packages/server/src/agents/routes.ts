import { agentRoutes as contract } from '@berth/contract';
import { type Route, route } from '../http/route.ts';
import type { AgentService } from './service.ts';

/** Agents (API §14). */
export const agentRoutes = (agents: AgentService): Route[] => [
  route(contract.create, ({ account, body, idempotencyToken }) => agents.create(account, body, idempotencyToken)),
  route(contract.list, ({ account, query }) => agents.list(account, query)),
  route(contract.listPublic, ({ query }) => agents.listPublic(query)),
  route(contract.devboxCounts, ({ account }) => agents.devboxCounts(account)),
  route(contract.get, ({ account, params }) => agents.get(account, params.id)),
  route(contract.delete, async ({ account, params }) => {
    await agents.delete(account, params.id);
    return {};
  }),
];
