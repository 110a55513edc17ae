import { blueprintRoutes as contract } from '@berth/contract';
import { type Route, route } from '../http/route.ts';
import type { BlueprintLogs } from './logs.ts';
import type { BlueprintService } from './service.ts';

/** Blueprints (API §12). */
export const blueprintRoutes = (blueprints: BlueprintService, logs: BlueprintLogs): Route[] => [
  route(contract.create, ({ account, body, idempotencyToken }) => blueprints.create(account, body, idempotencyToken)),
  route(contract.list, ({ account, query }) => blueprints.list({ accountId: account }, query)),
  route(contract.listPublic, ({ query }) => blueprints.list('public', query)),
  route(contract.preview, ({ body }) => blueprints.preview(body)),
  route(contract.metadataKeys, ({ account }) => blueprints.metadataKeys({ accountId: account })),
  route(contract.metadataValues, ({ account, params }) =>
    blueprints.metadataValues({ accountId: account }, params.key),
  ),
  route(contract.publicMetadataKeys, () => blueprints.metadataKeys('public')),
  route(contract.publicMetadataValues, ({ params }) => blueprints.metadataValues('public', params.key)),
  route(contract.get, ({ account, params }) => blueprints.get(account, params.id)),
  route(contract.logs, async ({ account, params, query, signal }) => ({
    blueprint_id: params.id,
    logs: await logs.read(account, params.id, query.from_line, signal),
  })),
  route(contract.tailLogs, async (call) => {
    // Asked before the stream begins, so that what is unknown is answered 404.
    await blueprints.require(call.account, call.params.id);
    return logs.follow(call.account, call.params.id, call.query.from_line, call);
  }),
  route(contract.cancel, ({ account, params }) => blueprints.cancel(account, params.id)),
  route(contract.remove, async ({ account, params }) => {
    await blueprints.remove(account, params.id);
    return {};
  }),
];
