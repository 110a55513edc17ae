import { operationRoutes as contract, openApiDocument, type RouteContract } from '@berth/contract';
import { type Route, route } from '../http/route.ts';

/** `/openapi.json`: made once, from the contracts of all routes that are served. */
export const openApiRoutes = (contracts: readonly RouteContract[], version: string): Route[] => {
  const document = openApiDocument([...contracts, contract.openApi], version);
  return [route(contract.openApi, () => document)];
};
