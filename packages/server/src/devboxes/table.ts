import type { DevboxStatus, FailureReason, ShutdownReason } from '@berth/contract';
import type { Isolation } from '@berth/host/contract';
import type { Generated, JSONColumnType } from 'kysely';

/** The statuses a box of this version can have. */
export type LiveStatus = 'queued' | 'provisioning' | 'initializing' | 'running' | 'suspending' | 'suspended';
export type StoredStatus = LiveStatus | 'failure' | 'shutdown';

/** What the host was told of a box, or has told. */
export type HostState = 'absent' | 'requested' | 'present' | 'destroyed' | 'forgotten';

/** What a start goes on from that is not the first one of its box. */
export type ResumeKind = 'disk' | 'memory';

/** One entry of a box's history. */
export interface TransitionRecord {
  readonly status: DevboxStatus;
  readonly at_ms: number;
  readonly failure_reason?: FailureReason;
  readonly detail?: string;
}

export interface DevboxesTable {
  id: string;
  account_id: string;
  name: string | null;
  metadata: JSONColumnType<Record<string, string>>;
  status: StoredStatus;
  host_state: Generated<HostState>;
  failure_reason: FailureReason | null;
  shutdown_reason: ShutdownReason | null;
  transitions: JSONColumnType<TransitionRecord[]>;
  launch_parameters: string;
  wish: string;
  mounts: string | null;
  mounts_left: Generated<number>;
  layer: string | null;
  isolation: Isolation | null;
  create_ms: number;
  end_ms: number | null;
  expires_ms: number | null;
  idle_ms: number | null;
  activity_ms: number;
  destroyed_ms: number | null;
  blueprint_id: string | null;
  image_blueprint_id: string | null;
  snapshot_id: string | null;
  image_id: string | null;
  image_memory: Generated<boolean>;
  forked_from: string | null;
  source_pause_ms: number | null;
  restarts: Generated<number>;
  suspensions: Generated<number>;
  with_memory: Generated<boolean>;
  resume: ResumeKind | null;
  hooks_until_ms: number | null;
  lifetime_left_ms: number | null;
  revision: Generated<number>;
  evict_ms: number | null;
  status_ms: number;
  active_ms: Generated<number>;
}

export interface OpenExecutionsTable {
  devbox_id: string;
  execution_id: string;
}
