import { z } from 'zod';
import { readMetadataFilter } from './metadata-filter.ts';
import { page, pageQuery } from './pagination.ts';

/** Every status of the API (§3.3). This version never shows the deprecated `scheduled`; one that resumes shows `provisioning`, not `resuming`. */
export const devboxStatuses = [
  'scheduled',
  'queued',
  'provisioning',
  'initializing',
  'running',
  'suspending',
  'suspended',
  'resuming',
  'failure',
  'shutdown',
] as const;
export const devboxStatus = z.enum(devboxStatuses);
export type DevboxStatus = z.output<typeof devboxStatus>;

export const failureReason = z.enum(['out_of_memory', 'out_of_disk', 'execution_failed', 'health_check_failed']);
export type FailureReason = z.output<typeof failureReason>;

export const shutdownReason = z.enum(['api_shutdown', 'keep_alive_timeout', 'entrypoint_exit', 'idle', 'ttl_expired']);
export type ShutdownReason = z.output<typeof shutdownReason>;

const stateTransition = z.object({
  status: devboxStatus,
  transition_time_ms: z.int(),
  failure_reason: failureReason.optional(),
  /** Berth's own: what exactly happened, for people. */
  detail: z.string().optional(),
});

/** A devbox as clients see it (API §3.2). */
export const devboxView = z.object({
  id: z.string(),
  name: z.string().nullable(),
  status: devboxStatus,
  capabilities: z.array(z.enum(['unknown', 'docker_in_docker'])),
  create_time_ms: z.int(),
  end_time_ms: z.int().nullable(),
  launch_parameters: z.looseObject({}),
  metadata: z.record(z.string(), z.string()),
  state_transitions: z.array(stateTransition),
  blueprint_id: z.string().nullable(),
  snapshot_id: z.string().nullable(),
  /** Berth's own: the devbox whose fork this is. */
  forked_from: z.string().optional(),
  /** Berth's own: how long that one stood still for the fork, in milliseconds; from when the fork starts. */
  source_pause_ms: z.int().nonnegative().optional(),
  failure_reason: failureReason.nullable(),
  shutdown_reason: shutdownReason.nullable(),
  initiator_type: z.enum(['unknown', 'api', 'scenario', 'scoring_validation', 'reflex']),
  initiator_id: z.string().nullable(),
  tunnel: z.null(),
});
export type DevboxView = z.output<typeof devboxView>;

export const devboxForkView = z.object({ devboxes: z.array(devboxView) });

export const devboxListView = page('devboxes', devboxView);
export type DevboxListView = z.output<typeof devboxListView>;

/** Filters of the list. */
export const devboxListQuery = pageQuery
  .extend({
    status: devboxStatus.optional(),
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
export type DevboxListQuery = z.output<typeof devboxListQuery>;

/** Longest hold of a devbox wait, and what it is without a wish (API §3.4). */
export const devboxWaitSeconds = { default: 10, maximum: 30 };

/** Body of `wait_for_status`. A longer wait than the maximum is shortened: clients ask again on 408. */
export const devboxWait = z.object({
  statuses: z.array(devboxStatus).min(1).max(100),
  timeout_seconds: z.number().min(0).default(devboxWaitSeconds.default),
});

/** Body of `suspend`. Berth's own: with `memory`, processes are kept and go on at resume; left out, the devbox's default decides. */
export const devboxSuspend = z.object({ memory: z.boolean().optional() });

/** Body of `resume`. Berth's own: `memory: false` starts from the disk even though a memory image is kept. */
export const devboxResume = z.object({ memory: z.boolean().default(true) });

export const metadataKeysView = z.object({ keys: z.array(z.string()) });
export const metadataValuesView = z.object({ key: z.string(), values: z.array(z.string()) });
