import { logRoutes as contract } from '@berth/contract';
import { type Route, route } from '../http/route.ts';
import type { LogService } from './service.ts';

/** Logs of a box (API §6). */
export const logRoutes = (logs: LogService): Route[] => [
  route(contract.list, async ({ account, params, query }) => ({ logs: await logs.list(account, params.id, query) })),
  route(contract.tail, (call) => logs.tail(call.account, call.params.id, call.query, call)),
];
