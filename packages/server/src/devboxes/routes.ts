import { devboxRoutes as contract } from '@berth/contract';
import { watchEvictions } from '../evictions/watch.ts';
import { type Route, route } from '../http/route.ts';
import type { DevboxService } from './service.ts';

/** Devboxes (API §3), with usage and evictions (API §6). */
export const devboxRoutes = (devboxes: DevboxService): Route[] => [
  route(contract.create, ({ account, body, idempotencyToken }) => devboxes.create(account, body, idempotencyToken)),
  route(contract.createAndAwaitRunning, (call) =>
    devboxes.createAndAwaitRunning(call.account, call.body, call.idempotencyToken, call),
  ),
  route(contract.list, ({ account, query }) => devboxes.list(account, query)),
  route(contract.metadataKeys, ({ account }) => devboxes.metadataKeys(account)),
  route(contract.metadataValues, ({ account, params }) => devboxes.metadataValues(account, params.key)),
  route(contract.watchEvictions, ({ signal, closing }) => watchEvictions(signal, closing)),
  route(contract.get, ({ account, params }) => devboxes.get(account, params.id)),
  route(contract.update, ({ account, params, body }) => devboxes.update(account, params.id, body)),
  route(contract.waitForStatus, (call) => devboxes.waitForStatus(call.account, call.params.id, call.body, call)),
  route(contract.shutdown, ({ account, params }) => devboxes.shutdown(account, params.id)),
  route(contract.keepAlive, async ({ account, params }) => {
    await devboxes.keepAlive(account, params.id);
    return {};
  }),
  route(contract.usage, ({ account, params }) => devboxes.usage(account, params.id)),
];
