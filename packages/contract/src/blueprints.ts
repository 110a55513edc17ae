import { z } from 'zod';
import { blueprintParametersView, blueprintService } from './blueprints-parameters.ts';
import { readMetadataFilter } from './metadata-filter.ts';
import { page, pageQuery, queryInteger } from './pagination.ts';

/** Every status of the API (§12.2). This version never shows `awaiting_upload`: a build context has to be complete. */
export const blueprintStatuses = [
  'queued',
  'provisioning',
  'building',
  'awaiting_upload',
  'failed',
  'build_complete',
] as const;
export const blueprintStatus = z.enum(blueprintStatuses);
export type BlueprintStatus = z.output<typeof blueprintStatus>;

export const blueprintFailureReason = z.enum(['out_of_memory', 'out_of_disk', 'build_failed']);
export type BlueprintFailureReason = z.output<typeof blueprintFailureReason>;

/** A blueprint as clients see it. */
export const blueprintView = z.object({
  id: z.string(),
  name: z.string(),
  create_time_ms: z.int(),
  build_finish_time_ms: z.int().nullable(),
  status: blueprintStatus,
  state: z.enum(['created', 'deleted']),
  failure_reason: blueprintFailureReason.nullable(),
  /** Berth's own: what exactly went wrong, for people; also that the build was cancelled. */
  failure_message: z.string().nullable(),
  parameters: blueprintParametersView,
  metadata: z.record(z.string(), z.string()),
  base_blueprint_id: z.string().nullable(),
  containerized_services: z.array(blueprintService.omit({ credentials: true })),
  devbox_capabilities: z.array(z.enum(['unknown', 'docker_in_docker'])),
  is_public: z.boolean(),
  /** Berth's own: bytes of the image that are not part of its base; null until it is built. */
  size_bytes: z.int().nullable(),
  /** Berth's own: says so when the image that FROM names could not be had and a local one stands in for it. */
  stand_in: z.string().nullable(),
});
export type BlueprintView = z.output<typeof blueprintView>;

export const blueprintListView = page('blueprints', blueprintView);
export type BlueprintListView = z.output<typeof blueprintListView>;

export const blueprintPreviewView = z.object({ dockerfile: z.string() });

/** One line of a build. */
export const blueprintBuildLog = z.object({
  level: z.string(),
  message: z.string(),
  timestamp_ms: z.int(),
});
export type BlueprintBuildLog = z.output<typeof blueprintBuildLog>;

export const blueprintBuildLogsView = z.object({ blueprint_id: z.string(), logs: z.array(blueprintBuildLog) });

/** A line as it is streamed: `line` is its number, from 0. A stream that broke off goes on with `from_line` one higher. */
export const blueprintBuildLogEvent = blueprintBuildLog.extend({ line: z.int() });
export type BlueprintBuildLogEvent = z.output<typeof blueprintBuildLogEvent>;

/** Query of the logs and of their stream; Berth's own. */
export const blueprintLogsQuery = z.object({ from_line: queryInteger(0, 1_000_000_000).default(0) });

/** Filters of the list (API §12.1). */
export const blueprintListQuery = pageQuery
  .extend({
    status: blueprintStatus.optional(),
    id: z.string().max(200).optional(),
    name: z.string().max(512).optional(),
    search: z.string().max(512).optional(),
  })
  .catchall(z.unknown())
  .transform((query, context) => {
    const { limit, starting_after, include_total_count, status, id, name, search, ...others } = query;
    const metadata = readMetadataFilter(others, context);
    return { limit, starting_after, include_total_count, status, id, name, search, metadata };
  });
export type BlueprintListQuery = z.output<typeof blueprintListQuery>;
