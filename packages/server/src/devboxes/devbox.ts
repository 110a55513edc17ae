import type { FailureReason, LaunchParameters, ShutdownReason } from '@berth/contract';
import type { Isolation } from '@berth/host/contract';
import type { Selectable } from 'kysely';
import type { PlannedService } from '../sidecars/plan.ts';
import type { DevboxesTable, HostState, ResumeKind, StoredStatus, TransitionRecord } from './table.ts';
import type { Mishap } from './transition.ts';

/** What a box is to be beside its launch parameters. Secrets stand as names. */
export interface DevboxWish {
  readonly entrypoint?: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Variable name to name of the account's secret; the value is read when the box starts. */
  readonly secretNames: Readonly<Record<string, string>>;
  /** Run beside it, in its network. */
  readonly services?: readonly PlannedService[];
  /** Grade of isolation that the account had set when the box was made; counts where the launch parameters name none. */
  readonly isolation?: 'auto' | 'container' | 'gvisor';
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
  /** How many of its mounts, the last ones, are still to be placed. */
  readonly mountsLeft: number;
  /** The layer that the host starts the box from, and the indexes of the mounts that are in it. */
  readonly layer: { readonly id: string; readonly mounts: readonly number[] } | null;
  readonly isolation: Isolation | null;
  readonly createMs: number;
  readonly endMs: number | null;
  readonly idleMs: number | null;
  /** The blueprint that clients see as the source; of a fork that of the devbox it was made of. */
  readonly blueprintId: string | null;
  /** The blueprint whose image the host starts the box from. */
  readonly imageBlueprintId: string | null;
  /** The snapshot that clients see as the source. */
  readonly snapshotId: string | null;
  /** The snapshot that the host starts the box from, with its memory or without; null for an image. */
  readonly image: { readonly id: string; readonly memory: boolean } | null;
  /** The box whose fork it is. */
  readonly forkedFrom: string | null;
  /** How long that one stood still for it; null until it is known. */
  readonly sourcePauseMs: number | null;
  /** Starts from the disk after the first, and suspensions, so far. */
  readonly restarts: number;
  readonly suspensions: number;
  /** While suspending: the memory is to be kept; while suspended: it is. */
  readonly withMemory: boolean;
  /** What the present start goes on from; null for the first start of a box, and once it runs. */
  readonly resume: ResumeKind | null;
  /** While suspending: end of the time for suspend commands; null when there are none. */
  readonly hooksUntilMs: number | null;
  /** Grows with each change of what the box holds. */
  readonly revision: number;
  /** Time of the last change of status, and time spent holding processor and memory before it. */
  readonly statusMs: number;
  readonly activeMs: number;
}

/** Whether nothing but removal is left to do for the box. */
export const isEnded = (box: Pick<Devbox, 'status'>): boolean => box.status === 'failure' || box.status === 'shutdown';

/** What went wrong on the way to the status that the box has, if anything did. */
export const mishapOf = ({ transitions }: Pick<Devbox, 'transitions'>): Mishap | undefined => {
  const last = transitions.at(-1);
  return last?.failure_reason === undefined
    ? undefined
    : { reason: last.failure_reason, detail: last.detail ?? last.failure_reason };
};

/** Columns that make a {@link Devbox}, all but what is mounted. */
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
  'mounts_left',
  'layer',
  'isolation',
  'create_ms',
  'end_ms',
  'idle_ms',
  'blueprint_id',
  'image_blueprint_id',
  'snapshot_id',
  'image_id',
  'image_memory',
  'forked_from',
  'source_pause_ms',
  'restarts',
  'suspensions',
  'with_memory',
  'resume',
  'hooks_until_ms',
  'revision',
  'status_ms',
  'active_ms',
] as const satisfies ReadonlyArray<keyof DevboxesTable>;

type Row = Pick<Selectable<DevboxesTable>, (typeof devboxColumns)[number]>;

/** Reads a row. */
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
  mountsLeft: row.mounts_left,
  layer: row.layer === null ? null : JSON.parse(row.layer),
  isolation: row.isolation,
  createMs: row.create_ms,
  endMs: row.end_ms,
  idleMs: row.idle_ms,
  blueprintId: row.blueprint_id,
  imageBlueprintId: row.image_blueprint_id,
  snapshotId: row.snapshot_id,
  image: row.image_id === null ? null : { id: row.image_id, memory: row.image_memory },
  forkedFrom: row.forked_from,
  sourcePauseMs: row.source_pause_ms,
  restarts: row.restarts,
  suspensions: row.suspensions,
  withMemory: row.with_memory,
  resume: row.resume,
  hooksUntilMs: row.hooks_until_ms,
  revision: row.revision,
  statusMs: row.status_ms,
  activeMs: row.active_ms,
});
