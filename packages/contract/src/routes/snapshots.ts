import { z } from 'zod';
import { metadataKeysView, metadataValuesView } from '../devboxes.ts';
import { defineRoute } from '../route.ts';
import { snapshotDisk, snapshotListQuery, snapshotListView, snapshotStatusView, snapshotView } from '../snapshots.ts';
import { byDevbox, emptyObject } from './devbox-parts.ts';

const tag = 'disk snapshots';
const base = '/v1/devboxes/disk_snapshots';
const read = { resource: 'SNAPSHOTS', level: 'READ' } as const;
const write = { resource: 'SNAPSHOTS', level: 'WRITE' } as const;
const bySnapshot = { params: z.object({ id: z.string() }), ids: { id: 'snapshot' } } as const;
const byKey = { params: z.object({ key: z.string().min(1).max(256) }) } as const;

/** Disk snapshots of devboxes (API §7). */
export const snapshotRoutes = {
  take: defineRoute({
    method: 'POST',
    path: '/v1/devboxes/{id}/snapshot_disk',
    operationId: 'snapshotDisk',
    summary: 'Take a snapshot of the disk and wait until it is complete; the devbox goes on',
    tag,
    access: write,
    idempotency: 'token',
    ...byDevbox,
    body: snapshotDisk,
    response: snapshotView,
  }),
  begin: defineRoute({
    method: 'POST',
    path: '/v1/devboxes/{id}/snapshot_disk_async',
    operationId: 'snapshotDiskAsync',
    summary: 'Begin a snapshot of the disk; answers at once',
    tag,
    access: write,
    idempotency: 'token',
    ...byDevbox,
    body: snapshotDisk,
    response: snapshotView,
  }),
  list: defineRoute({
    method: 'GET',
    path: base,
    operationId: 'listDiskSnapshots',
    summary: 'List snapshots, newest first; failed and deleted ones are left out',
    tag,
    access: read,
    query: snapshotListQuery,
    response: snapshotListView,
  }),
  listPublic: defineRoute({
    method: 'GET',
    path: `${base}/list_public`,
    operationId: 'listPublicDiskSnapshots',
    summary: 'List public snapshots: an installation of its own has none',
    tag,
    access: read,
    query: snapshotListQuery,
    response: snapshotListView,
  }),
  metadataKeys: defineRoute({
    method: 'GET',
    path: `${base}/metadata/keys`,
    operationId: 'listDiskSnapshotMetadataKeys',
    summary: 'Metadata keys in use',
    tag,
    access: read,
    response: metadataKeysView,
  }),
  metadataValues: defineRoute({
    method: 'GET',
    path: `${base}/metadata/keys/{key}/values`,
    operationId: 'listDiskSnapshotMetadataValues',
    summary: 'Values in use of a metadata key',
    tag,
    access: read,
    ...byKey,
    response: metadataValuesView,
  }),
  publicMetadataKeys: defineRoute({
    method: 'GET',
    path: `${base}/public/metadata/keys`,
    operationId: 'listPublicDiskSnapshotMetadataKeys',
    summary: 'Metadata keys of public snapshots: none',
    tag,
    access: read,
    response: metadataKeysView,
  }),
  publicMetadataValues: defineRoute({
    method: 'GET',
    path: `${base}/public/metadata/keys/{key}/values`,
    operationId: 'listPublicDiskSnapshotMetadataValues',
    summary: 'Values of a metadata key of public snapshots: none',
    tag,
    access: read,
    ...byKey,
    response: metadataValuesView,
  }),
  status: defineRoute({
    method: 'GET',
    path: `${base}/{id}/status`,
    operationId: 'getDiskSnapshotStatus',
    summary: 'How far a snapshot is, and what went wrong',
    tag,
    access: read,
    ...bySnapshot,
    response: snapshotStatusView,
  }),
  update: defineRoute({
    method: 'POST',
    path: `${base}/{id}`,
    operationId: 'updateDiskSnapshot',
    summary: 'Change name, commit message or metadata',
    tag,
    access: write,
    ...bySnapshot,
    body: snapshotDisk,
    response: snapshotView,
  }),
  remove: defineRoute({
    method: 'POST',
    path: `${base}/{id}/delete`,
    operationId: 'deleteDiskSnapshot',
    summary: 'Delete a snapshot; devboxes made from it live on',
    tag,
    access: write,
    idempotency: 'token',
    ...bySnapshot,
    response: emptyObject,
  }),
};
