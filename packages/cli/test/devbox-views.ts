import type { DevboxView } from '@berth/contract';

/** A view of a running box, changed where a test wants it. */
export const devboxView = (change: Partial<DevboxView> = {}): DevboxView => ({
  id: 'dbx_000000000000000000001',
  name: null,
  status: 'running',
  capabilities: [],
  create_time_ms: 1_000,
  end_time_ms: null,
  launch_parameters: { resource_size_request: 'SMALL', keep_alive_time_seconds: 3_600, isolation: 'container' },
  metadata: {},
  state_transitions: [
    { status: 'provisioning', transition_time_ms: 1_000 },
    { status: 'running', transition_time_ms: 2_000 },
  ],
  blueprint_id: null,
  snapshot_id: null,
  failure_reason: null,
  shutdown_reason: null,
  initiator_type: 'api',
  initiator_id: null,
  tunnel: null,
  ...change,
});
