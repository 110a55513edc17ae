import { type DevboxView, defaultDevboxSize, defaultKeepAliveSeconds, idleRule } from '@berth/contract';
import type { Devbox } from './devbox.ts';

/** The launch parameters as given, with what stood in for those left out. */
const effectiveParameters = (box: Devbox): Record<string, unknown> => ({
  resource_size_request: defaultDevboxSize,
  ...(idleRule(box.launchParameters) === undefined ? { keep_alive_time_seconds: defaultKeepAliveSeconds } : {}),
  ...box.launchParameters,
  ...(box.isolation === null ? {} : { isolation: box.isolation }),
});

/** A box as clients see it (API §3.2). */
export const devboxView = (box: Devbox): DevboxView => ({
  id: box.id,
  name: box.name,
  status: box.status,
  capabilities: [],
  create_time_ms: box.createMs,
  end_time_ms: box.endMs,
  launch_parameters: effectiveParameters(box),
  metadata: box.metadata,
  state_transitions: box.transitions.map((transition) => ({
    status: transition.status,
    transition_time_ms: transition.at_ms,
    ...(transition.failure_reason === undefined ? {} : { failure_reason: transition.failure_reason }),
    ...(transition.detail === undefined ? {} : { detail: transition.detail }),
  })),
  blueprint_id: box.blueprintId,
  snapshot_id: box.snapshotId,
  ...(box.forkedFrom === null ? {} : { forked_from: box.forkedFrom }),
  ...(box.sourcePauseMs === null ? {} : { source_pause_ms: box.sourcePauseMs }),
  failure_reason: box.failureReason,
  shutdown_reason: box.shutdownReason,
  initiator_type: 'api',
  initiator_id: null,
  tunnel: null,
});
