import { devboxRoutes as contract } from '@berth/contract';
import { type EvictionWatchParts, watchEvictions } from '../evictions/watch.ts';
import { type Route, route } from '../http/route.ts';
import type { LifecycleService } from './lifecycle-service.ts';
import type { DevboxService } from './service.ts';

/** Devboxes (API §3), with usage and evictions (API §6). */
export const devboxRoutes = (
  devboxes: DevboxService,
  lifecycle: LifecycleService,
  evictions: EvictionWatchParts,
): Route[] => [
  route(contract.create, ({ account, body, idempotencyToken }) => devboxes.create(account, body, idempotencyToken)),
  route(contract.createAndAwaitRunning, (call) =>
    devboxes.createAndAwaitRunning(call.account, call.body, call.idempotencyToken, call),
  ),
  route(contract.list, ({ account, query }) => devboxes.list(account, query)),
  route(contract.metadataKeys, ({ account }) => devboxes.metadataKeys(account)),
  route(contract.metadataValues, ({ account, params }) => devboxes.metadataValues(account, params.key)),
  route(contract.watchEvictions, (call) => watchEvictions(evictions, call.account, call)),
  route(contract.get, ({ account, params }) => devboxes.get(account, params.id)),
  route(contract.update, ({ account, params, body }) => devboxes.update(account, params.id, body)),
  route(contract.waitForStatus, (call) => devboxes.waitForStatus(call.account, call.params.id, call.body, call)),
  route(contract.suspend, ({ account, params, body, idempotencyToken }) =>
    lifecycle.suspend(account, params.id, body, idempotencyToken),
  ),
  route(contract.resume, ({ account, params, body, idempotencyToken }) =>
    lifecycle.resume(account, params.id, body, idempotencyToken),
  ),
  route(contract.shutdown, ({ account, params, query }) => lifecycle.shutdown(account, params.id, query.force)),
  route(contract.keepAlive, async ({ account, params }) => {
    await lifecycle.keepAlive(account, params.id);
    return {};
  }),
  route(contract.usage, ({ account, params }) => devboxes.usage(account, params.id)),
];
