import type { FailureReason, LaunchParameters, ShutdownReason } from '@berth/contract';
import type { Isolation } from '@berth/host/contract';
import type { Selectable } from 'kysely';
import type { DevboxesTable, HostState, LiveStatus, StoredStatus, TransitionRecord } from './table.ts';

/** What a box is to be beside its launch parameters. Secrets stand as names. */
export interface DevboxWish {
  readonly entrypoint?: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Variable name to name of the account's secret; the value is read when the box starts. */
  readonly secretNames: Readonly<Record<string, string>>;
  readonly hasFileMounts: boolean;
}

/** A box as the control plane knows it. */
export interface Devbox {
  readonly id: string;
  readonly accountId: string;
  readonly name: string | null;
  readonly metadata: Readonly<Record<string, string>>;
  readonly status: StoredStatus;
  readonly hostState: HostState;
  readonly failureReason: FailureReason | null;
  readonly shutdownReason: ShutdownReason | null;
  readonly transitions: readonly TransitionRecord[];
  readonly launchParameters: LaunchParameters;
  readonly wish: DevboxWish;
  /** Text by path, still to be written into the box; null once all are. */
  readonly fileMounts: Readonly<Record<string, string>> | null;
  readonly isolation: Isolation | null;
  readonly createMs: number;
  readonly endMs: number | null;
  readonly idleMs: number | null;
}

/** The statuses that end by a shutdown or a failure. */
export const liveStatuses: readonly LiveStatus[] = ['provisioning', 'initializing', 'running'];

/** Whether nothing but removal is left to do for the box. */
export const isEnded = (box: Pick<Devbox, 'status'>): boolean => box.status === 'failure' || box.status === 'shutdown';

/** Columns that make a {@link Devbox}, all but the contents of mounts. */
export const devboxColumns = [
  'id',
  'account_id',
  'name',
  'metadata',
  'status',
  'host_state',
  'failure_reason',
  'shutdown_reason',
  'transitions',
  'launch_parameters',
  'wish',
  'isolation',
  'create_ms',
  'end_ms',
  'idle_ms',
] as const satisfies ReadonlyArray<keyof DevboxesTable>;

type Row = Pick<Selectable<DevboxesTable>, (typeof devboxColumns)[number]> & {
  readonly file_mounts?: string | null;
};

/** Reads a row. `fileMounts` is null when the column was not asked for. */
export const toDevbox = (row: Row): Devbox => ({
  id: row.id,
  accountId: row.account_id,
  name: row.name,
  metadata: row.metadata,
  status: row.status,
  hostState: row.host_state,
  failureReason: row.failure_reason,
  shutdownReason: row.shutdown_reason,
  transitions: row.transitions,
  launchParameters: JSON.parse(row.launch_parameters),
  wish: JSON.parse(row.wish),
  fileMounts: typeof row.file_mounts === 'string' ? JSON.parse(row.file_mounts) : null,
  isolation: row.isolation,
  createMs: row.create_ms,
  endMs: row.end_ms,
  idleMs: row.idle_ms,
});
