import type { BlueprintFailureReason } from '@berth/contract';
import type { Generated, JSONColumnType } from 'kysely';

/** The statuses a blueprint of this version can have. */
export type StoredBlueprintStatus = 'queued' | 'provisioning' | 'building' | 'failed' | 'build_complete';

/** What the host was told of a build and its image, or has told. */
export type BlueprintHostState = 'absent' | 'requested' | 'present' | 'gone';

export interface BlueprintsTable {
  id: string;
  account_id: string;
  name: string;
  status: StoredBlueprintStatus;
  deleted: Generated<boolean>;
  is_public: Generated<boolean>;
  parameters: string;
  metadata: JSONColumnType<Record<string, string>>;
  sealed_key_id: string | null;
  sealed_credentials: Buffer | null;
  base_blueprint_id: string | null;
  host_state: Generated<BlueprintHostState>;
  failure_reason: BlueprintFailureReason | null;
  failure_message: string | null;
  lost_builds: Generated<number>;
  size_bytes: number | null;
  stand_in: string | null;
  create_ms: number;
  start_ms: number | null;
  finish_ms: number | null;
}
