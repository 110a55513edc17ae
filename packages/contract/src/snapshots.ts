import { z } from 'zod';
import { readMetadataFilter } from './metadata-filter.ts';
import { page, pageQuery } from './pagination.ts';
import { metadataMap, storableText } from './text.ts';

export const snapshotStatuses = ['in_progress', 'complete', 'error', 'deleted'] as const;
export type SnapshotStatus = (typeof snapshotStatuses)[number];

/** Body of `snapshot_disk`, `snapshot_disk_async` and of the update (API §7). An update leaves what is left out, and replaces metadata whole. */
export const snapshotDisk = z.object({
  name: storableText(512).optional(),
  commit_message: storableText(1_000).optional(),
  metadata: metadataMap.optional(),
});
export type SnapshotDisk = z.output<typeof snapshotDisk>;

/** A disk snapshot as clients see it. */
export const snapshotView = z.object({
  id: z.string(),
  name: z.string().nullable(),
  commit_message: z.string().nullable(),
  create_time_ms: z.int(),
  metadata: z.record(z.string(), z.string()),
  source_devbox_id: z.string(),
  source_blueprint_id: z.string().nullable(),
  /** Bytes beyond the image that the source stood on; null while in progress. */
  size_bytes: z.int().nullable(),
});
export type SnapshotView = z.output<typeof snapshotView>;

export const snapshotStatusView = z.object({
  status: z.enum(snapshotStatuses),
  error_message: z.string().nullable(),
  /** Only when complete. */
  snapshot: snapshotView.nullable(),
});
export type SnapshotStatusView = z.output<typeof snapshotStatusView>;

export const snapshotListView = page('snapshots', snapshotView);
export type SnapshotListView = z.output<typeof snapshotListView>;

/** Filters of the list (API §7). */
export const snapshotListQuery = pageQuery
  .extend({
    devbox_id: z.string().max(200).optional(),
    source_blueprint_id: z.string().max(200).optional(),
    id: z.string().max(200).optional(),
    name: z.string().max(512).optional(),
    search: z.string().max(512).optional(),
  })
  .catchall(z.unknown())
  .transform((query, context) => {
    const { limit, starting_after, include_total_count, devbox_id, source_blueprint_id, id, name, search, ...others } =
      query;
    const metadata = readMetadataFilter(others, context);
    return { limit, starting_after, include_total_count, devbox_id, source_blueprint_id, id, name, search, metadata };
  });
export type SnapshotListQuery = z.output<typeof snapshotListQuery>;
