import { secretRoutes as contract } from '@berth/contract';
import { type Route, route } from '../http/route.ts';
import type { SecretService } from './service.ts';

/** Secrets by name (API §18) and by id (API §27). */
export const secretRoutes = (secrets: SecretService): Route[] => [
  route(contract.create, ({ account, body, idempotencyToken }) => secrets.create(account, body, idempotencyToken)),
  route(contract.list, ({ account, query }) => secrets.list(account, query.limit)),
  route(contract.get, ({ account, params }) => secrets.get(account, { name: params.name })),
  route(contract.update, ({ account, params, body }) => secrets.update(account, { name: params.name }, body.value)),
  route(contract.delete, ({ account, params }) => secrets.delete(account, { name: params.name })),
  route(contract.getById, ({ account, params }) => secrets.get(account, { id: params.id })),
  route(contract.updateById, ({ account, params, body }) => secrets.update(account, { id: params.id }, body.value)),
  route(contract.deleteById, ({ account, params }) => secrets.delete(account, { id: params.id })),
];
