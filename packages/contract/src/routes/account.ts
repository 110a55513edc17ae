import { accountQuotas, accountSettings, accountSettingsUpdate, accountView } from '../accounts.ts';
import { apiKeyCreate, apiKeyCreated } from '../api-keys.ts';
import { defineRoute } from '../route.ts';

/** Account and API keys (API §22). */
export const accountRoutes = {
  me: defineRoute({
    method: 'GET',
    path: '/v1/accounts/me',
    operationId: 'getAccount',
    summary: 'The account of this key',
    tag: 'account',
    access: { resource: 'ACCOUNT', level: 'READ' },
    response: accountView,
  }),
  settings: defineRoute({
    method: 'GET',
    path: '/v1/accounts/me/settings',
    operationId: 'getAccountSettings',
    summary: 'Defaults that devboxes of this account go by',
    tag: 'account',
    access: { resource: 'ACCOUNT', level: 'READ' },
    response: accountSettings,
  }),
  updateSettings: defineRoute({
    method: 'POST',
    path: '/v1/accounts/me/settings',
    operationId: 'updateAccountSettings',
    summary: 'Change the defaults of this account; what is left out stays',
    tag: 'account',
    access: { resource: 'ACCOUNT', level: 'WRITE' },
    body: accountSettingsUpdate,
    response: accountSettings,
  }),
  quotas: defineRoute({
    method: 'GET',
    path: '/v1/accounts/me/quotas',
    operationId: 'getAccountQuotas',
    summary: 'What this account may have at a time, and what it has',
    tag: 'account',
    access: { resource: 'ACCOUNT', level: 'READ' },
    response: accountQuotas,
  }),
  createApiKey: defineRoute({
    method: 'POST',
    path: '/v1/apikeys',
    operationId: 'createApiKey',
    summary: 'Make an API key; its secret is shown once',
    tag: 'account',
    // A remembered answer would keep the key's secret in clear text.
    idempotency: 'token',
    access: { resource: 'ACCOUNT', level: 'WRITE' },
    body: apiKeyCreate,
    response: apiKeyCreated,
  }),
};
