import { snapshotRoutes as contract } from '@berth/contract';
import { type Route, route } from '../http/route.ts';
import type { SnapshotService } from './service.ts';

/** Disk snapshots of devboxes (API §7). An installation of one's own has no public ones. */
export const snapshotRoutes = (snapshots: SnapshotService): Route[] => [
  route(contract.take, (call) => snapshots.take(call.account, call.params.id, call.body, call.idempotencyToken, call)),
  route(contract.begin, ({ account, params, body, idempotencyToken }) =>
    snapshots.begin(account, params.id, body, idempotencyToken),
  ),
  route(contract.list, ({ account, query }) => snapshots.list(account, query)),
  route(contract.listPublic, ({ query }) => ({
    snapshots: [],
    has_more: false,
    ...(query.include_total_count ? { total_count: 0 } : {}),
  })),
  route(contract.metadataKeys, ({ account }) => snapshots.metadataKeys(account)),
  route(contract.metadataValues, ({ account, params }) => snapshots.metadataValues(account, params.key)),
  route(contract.publicMetadataKeys, () => ({ keys: [] })),
  route(contract.publicMetadataValues, ({ params }) => ({ key: params.key, values: [] })),
  route(contract.status, ({ account, params }) => snapshots.status(account, params.id)),
  route(contract.update, ({ account, params, body }) => snapshots.update(account, params.id, body)),
  route(contract.remove, async ({ account, params }) => {
    await snapshots.remove(account, params.id);
    return {};
  }),
];
