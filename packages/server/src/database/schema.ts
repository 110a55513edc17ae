import type { AccountLimits, AccountSettings } from '@berth/contract';
import type { Generated, JSONColumnType } from 'kysely';
import type { AgentsTable, DevboxAgentsTable } from '../agents/table.ts';
import type { BlueprintsTable } from '../blueprints/table.ts';
import type { DevboxesTable, OpenExecutionsTable } from '../devboxes/table.ts';
import type { MountLayersTable } from '../layers/table.ts';
import type { LooseBlobsTable, ObjectsTable } from '../objects/table.ts';
import type { SnapshotsTable } from '../snapshots/table.ts';

/** Tables as the queries see them. Times are Unix milliseconds. The truth is in `migrations/`. */
export interface Schema {
  accounts: AccountsTable;
  api_keys: ApiKeysTable;
  secrets: SecretsTable;
  idempotent_requests: IdempotentRequestsTable;
  idempotent_creations: IdempotentCreationsTable;
  devboxes: DevboxesTable;
  open_executions: OpenExecutionsTable;
  snapshots: SnapshotsTable;
  agents: AgentsTable;
  devbox_agents: DevboxAgentsTable;
  blueprints: BlueprintsTable;
  objects: ObjectsTable;
  loose_blobs: LooseBlobsTable;
  mount_layers: MountLayersTable;
}

export interface AccountsTable {
  id: string;
  name: string;
  disabled: Generated<boolean>;
  created_ms: number;
  settings: JSONColumnType<Partial<AccountSettings>, string | undefined, string>;
  limits: JSONColumnType<AccountLimits, string | undefined, string>;
}

export interface ApiKeysTable {
  id: string;
  account_id: string;
  name: string | null;
  /** SHA-256 of the whole key. */
  hash: Buffer;
  created_ms: number;
  expires_ms: number | null;
  /** Scopes of a restricted key; null for a standard one. */
  scopes: unknown;
}

export interface SecretsTable {
  id: string;
  account_id: string;
  name: string;
  /** Id of the master key that sealed the value. */
  key_id: string;
  /** Nonce, ciphertext and tag of AES-256-GCM. */
  sealed_value: Buffer;
  created_ms: number;
  updated_ms: number;
}

export interface IdempotentRequestsTable {
  token: string;
  /** SHA-256 of what was asked, to tell a retry from another request under the same key. */
  fingerprint: Buffer;
  /** Run of the server that works on it; a row of another run was left by a server that died. */
  owner: string;
  status: number | null;
  body: string | null;
  created_ms: number;
}

export interface IdempotentCreationsTable {
  token: string;
  resource_id: string;
  created_ms: number;
}
