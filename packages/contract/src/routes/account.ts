import { accountView } from '../accounts.ts';
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
