import { z } from 'zod';
import { defaultPageLimit, maximumPageLimit, queryInteger } from '../pagination.ts';
import { defineRoute } from '../route.ts';
import { secretCreate, secretListView, secretUpdate, secretView } from '../secrets.ts';

const tag = 'secrets';
const read = { resource: 'ACCOUNT', level: 'READ' } as const;
const write = { resource: 'ACCOUNT', level: 'WRITE' } as const;
const byName = z.object({ name: z.string().max(512) });
const byId = z.object({ id: z.string() });

/** Secrets (API §18, by id §27). */
export const secretRoutes = {
  create: defineRoute({
    method: 'POST',
    path: '/v1/secrets',
    operationId: 'createSecret',
    summary: 'Store a secret',
    tag,
    access: write,
    body: secretCreate,
    response: secretView,
  }),
  list: defineRoute({
    method: 'GET',
    path: '/v1/secrets',
    operationId: 'listSecrets',
    summary: 'List secrets, newest first',
    tag,
    access: read,
    query: z.object({ limit: queryInteger(1, maximumPageLimit).default(defaultPageLimit) }),
    response: secretListView,
  }),
  get: defineRoute({
    method: 'GET',
    path: '/v1/secrets/{name}',
    operationId: 'getSecret',
    summary: 'View a secret without its value',
    tag,
    access: read,
    params: byName,
    response: secretView,
  }),
  update: defineRoute({
    method: 'POST',
    path: '/v1/secrets/{name}',
    operationId: 'updateSecret',
    summary: 'Replace the value of a secret',
    tag,
    access: write,
    params: byName,
    body: secretUpdate,
    response: secretView,
  }),
  delete: defineRoute({
    method: 'POST',
    path: '/v1/secrets/{name}/delete',
    operationId: 'deleteSecret',
    summary: 'Delete a secret',
    tag,
    access: write,
    params: byName,
    response: secretView,
  }),
  getById: defineRoute({
    method: 'GET',
    path: '/v1/secrets/id/{id}',
    operationId: 'getSecretById',
    summary: 'View a secret by id',
    tag,
    access: read,
    params: byId,
    ids: { id: 'secret' },
    response: secretView,
  }),
  updateById: defineRoute({
    method: 'POST',
    path: '/v1/secrets/id/{id}/update',
    operationId: 'updateSecretById',
    summary: 'Replace the value of a secret by id',
    tag,
    access: write,
    params: byId,
    ids: { id: 'secret' },
    body: secretUpdate,
    response: secretView,
  }),
  deleteById: defineRoute({
    method: 'POST',
    path: '/v1/secrets/id/{id}/delete',
    operationId: 'deleteSecretById',
    summary: 'Delete a secret by id',
    tag,
    access: write,
    params: byId,
    ids: { id: 'secret' },
    response: secretView,
  }),
};
