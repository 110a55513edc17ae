import { accountRoutes as contract } from '@berth/contract';
import type { ApiKeyService } from '../api-keys/service.ts';
import { type Route, route } from '../http/route.ts';
import type { AccountQuotaService } from './quotas.ts';
import type { AccountService } from './service.ts';
import type { AccountSettingsService } from './settings.ts';

/** Account and API keys (API §22). */
export const accountRoutes = (
  accounts: AccountService,
  settings: AccountSettingsService,
  apiKeys: ApiKeyService,
): Route[] => [
  route(contract.me, ({ account }) => accounts.get(account)),
  route(contract.settings, ({ account }) => settings.get(account)),
  route(contract.updateSettings, ({ account, body }) => settings.update(account, body)),
  route(contract.createApiKey, ({ account, body }) => apiKeys.create(account, body)),
];

/** Quotas of the account. */
export const quotaRoutes = (quotas: AccountQuotaService): Route[] => [
  route(contract.quotas, ({ account }) => quotas.get(account)),
];
