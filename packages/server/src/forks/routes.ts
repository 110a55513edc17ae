import { devboxRoutes as contract } from '@berth/contract';
import { type Route, route } from '../http/route.ts';
import type { ForkService } from './service.ts';

/** Live forks of devboxes. */
export const forkRoutes = (forks: ForkService): Route[] => [
  route(contract.fork, async ({ account, params, body, idempotencyToken }) => ({
    devboxes: await forks.fork(account, params.id, body, idempotencyToken),
  })),
];
