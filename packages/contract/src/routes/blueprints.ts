import { z } from 'zod';
import {
  blueprintBuildLogEvent,
  blueprintBuildLogsView,
  blueprintListQuery,
  blueprintListView,
  blueprintLogsQuery,
  blueprintPreviewView,
  blueprintView,
} from '../blueprints.ts';
import { blueprintBuildParameters } from '../blueprints-parameters.ts';
import { metadataKeysView, metadataValuesView } from '../devboxes.ts';
import { defineRoute } from '../route.ts';
import { emptyObject } from './devbox-parts.ts';

const tag = 'blueprints';
const base = '/v1/blueprints';
const read = { resource: 'BLUEPRINTS', level: 'READ' } as const;
const write = { resource: 'BLUEPRINTS', level: 'WRITE' } as const;
const byBlueprint = { params: z.object({ id: z.string() }), ids: { id: 'blueprint' } } as const;
const byKey = { params: z.object({ key: z.string().min(1).max(256) }) } as const;

/** Blueprints: images that boxes start from (API §12). */
export const blueprintRoutes = {
  create: defineRoute({
    method: 'POST',
    path: base,
    operationId: 'createBlueprint',
    summary: 'Begin to build a blueprint; answers at once',
    tag,
    access: write,
    idempotency: 'token',
    body: blueprintBuildParameters,
    response: blueprintView,
  }),
  list: defineRoute({
    method: 'GET',
    path: base,
    operationId: 'listBlueprints',
    summary: 'List blueprints, newest first; deleted ones are left out',
    tag,
    access: read,
    query: blueprintListQuery,
    response: blueprintListView,
  }),
  listPublic: defineRoute({
    method: 'GET',
    path: `${base}/list_public`,
    operationId: 'listPublicBlueprints',
    summary: 'List the blueprints that everybody may use',
    tag,
    access: read,
    query: blueprintListQuery,
    response: blueprintListView,
  }),
  preview: defineRoute({
    method: 'POST',
    path: `${base}/preview`,
    operationId: 'previewBlueprint',
    summary: 'The Dockerfile that would be built',
    tag,
    access: read,
    idempotency: 'token',
    body: blueprintBuildParameters,
    response: blueprintPreviewView,
  }),
  metadataKeys: defineRoute({
    method: 'GET',
    path: `${base}/metadata/keys`,
    operationId: 'listBlueprintMetadataKeys',
    summary: 'Metadata keys in use',
    tag,
    access: read,
    response: metadataKeysView,
  }),
  metadataValues: defineRoute({
    method: 'GET',
    path: `${base}/metadata/keys/{key}/values`,
    operationId: 'listBlueprintMetadataValues',
    summary: 'Values in use of a metadata key',
    tag,
    access: read,
    ...byKey,
    response: metadataValuesView,
  }),
  publicMetadataKeys: defineRoute({
    method: 'GET',
    path: `${base}/public/metadata/keys`,
    operationId: 'listPublicBlueprintMetadataKeys',
    summary: 'Metadata keys of public blueprints',
    tag,
    access: read,
    response: metadataKeysView,
  }),
  publicMetadataValues: defineRoute({
    method: 'GET',
    path: `${base}/public/metadata/keys/{key}/values`,
    operationId: 'listPublicBlueprintMetadataValues',
    summary: 'Values of a metadata key of public blueprints',
    tag,
    access: read,
    ...byKey,
    response: metadataValuesView,
  }),
  get: defineRoute({
    method: 'GET',
    path: `${base}/{id}`,
    operationId: 'getBlueprint',
    summary: 'View a blueprint and how far its build is',
    tag,
    access: read,
    ...byBlueprint,
    response: blueprintView,
  }),
  logs: defineRoute({
    method: 'GET',
    path: `${base}/{id}/logs`,
    operationId: 'getBlueprintLogs',
    summary: 'The log of the build so far',
    tag,
    access: read,
    ...byBlueprint,
    query: blueprintLogsQuery,
    response: blueprintBuildLogsView,
  }),
  tailLogs: defineRoute({
    method: 'GET',
    path: `${base}/{id}/logs/tail`,
    operationId: 'tailBlueprintLogs',
    summary: "Stream the log of the build until it has ended; Berth's own",
    tag,
    access: read,
    ...byBlueprint,
    query: blueprintLogsQuery,
    response: { kind: 'sse', event: blueprintBuildLogEvent },
  }),
  cancel: defineRoute({
    method: 'POST',
    path: `${base}/{id}/cancel`,
    operationId: 'cancelBlueprint',
    summary: "End a build that is queued or running; Berth's own",
    tag,
    access: write,
    idempotency: 'token',
    ...byBlueprint,
    response: blueprintView,
  }),
  remove: defineRoute({
    method: 'POST',
    path: `${base}/{id}/delete`,
    operationId: 'deleteBlueprint',
    summary: 'Delete a blueprint, which ends its build; devboxes made from it live on',
    tag,
    access: write,
    idempotency: 'token',
    ...byBlueprint,
    response: emptyObject,
  }),
};
