import { accountRoutes as contract } from '@berth/contract';
import type { ApiKeyService } from '../api-keys/service.ts';
import { type Route, route } from '../http/route.ts';
import type { AccountService } from './service.ts';

/** Account and API keys (API §22). */
export const accountRoutes = (accounts: AccountService, apiKeys: ApiKeyService): Route[] => [
  route(contract.me, ({ account }) => accounts.get(account)),
  route(contract.createApiKey, ({ account, body }) => apiKeys.create(account, body)),
];
