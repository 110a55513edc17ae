import type { SnapshotStatus } from '@berth/contract';
import type { Isolation } from '@berth/host/contract';
import type { Generated, JSONColumnType } from 'kysely';

/** What the host was told of a snapshot, or has told. */
export type SnapshotHostState = 'absent' | 'requested' | 'present' | 'gone';

export interface SnapshotsTable {
  id: string;
  account_id: string;
  devbox_id: string;
  source_blueprint_id: string | null;
  status: SnapshotStatus;
  internal: Generated<boolean>;
  name: string | null;
  commit_message: string | null;
  metadata: JSONColumnType<Record<string, string>>;
  with_memory: Generated<boolean>;
  host_state: Generated<SnapshotHostState>;
  isolation: Isolation | null;
  size_bytes: number | null;
  memory_bytes: number | null;
  paused_ms: number | null;
  error_message: string | null;
  create_ms: number;
  end_ms: number | null;
}
