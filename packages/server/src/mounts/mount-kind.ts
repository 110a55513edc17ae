import type { DevboxCreate, FailureReason, Mount } from '@berth/contract';
import type { LayerWish } from '../layers/layer-wish.ts';
import type { MountPlace } from './mount-place.ts';

export type MountType = Mount['type'];

/** What a request says of a mount of this type. */
export type MountWish<Type extends MountType> = Extract<Mount, { readonly type: Type }>;

/** A mount as the row of its box keeps it until it is in the box: plain JSON. A secret stands in it sealed, never in clear. */
export interface PlannedMount {
  readonly type: MountType;
  readonly plan: unknown;
}

/** A mount that cannot be placed, and that repeating does not heal. The box fails with the message. */
export class MountFailure extends Error {
  override readonly name = 'MountFailure';
  readonly reason: FailureReason;
  /** Another box with the same in it and around it would fail as well. */
  readonly recurs: boolean;

  constructor(
    message: string,
    options: { readonly reason?: FailureReason; readonly recurs?: boolean; readonly cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.reason = options.reason ?? 'execution_failed';
    this.recurs = options.recurs ?? false;
  }
}

/**
 * One kind of mount (API §11). What it does is recorded once it is done, and not done again; a kill in between repeats it, so that it has to be
 * safe to repeat.
 */
export interface MountKind<Type extends MountType = MountType, Plan = unknown> {
  readonly type: Type;
  /**
   * At creation, before the box's row is written: looks up what the mount speaks of and says what the row is to keep. What it throws is the
   * answer to the create: an `ApiError` for what cannot be mounted.
   */
  readonly plan: (account: string, mount: MountWish<Type>) => Promise<Plan> | Plan;
  /** What is mounted where, for messages: `file mount /etc/motd`. */
  readonly describe: (plan: Plan) => string;
  /**
   * What of it can be made once for many boxes of this account, or of everybody; asked for before the box is made. Whether the account may have it has
   * to be found out each time. Throws what keeps it from being made like that.
   */
  readonly layer?: (account: string, plan: Plan, signal: AbortSignal) => Promise<LayerWish | undefined>;
  /**
   * Places it for the box's user, owned by that one.
   * @throws MountFailure, or HostError: both end the box with a reason, a HostError that may pass is tried again. Anything else is tried again.
   */
  readonly place: (place: MountPlace, plan: Plan, signal: AbortSignal) => Promise<void>;
}

/** A kind among others, its plan not known from outside. */
export const mountKind = <Type extends MountType, Plan>(kind: MountKind<Type, Plan>): MountKind =>
  kind as unknown as MountKind;

/** Everything that a request wants mounted, in the order in which it is placed; older forms first. */
export const wantedMounts = (wish: DevboxCreate): Mount[] => [
  ...Object.entries(wish.file_mounts ?? {}).map(
    ([target, content]) => ({ type: 'file_mount', target, content }) as const,
  ),
  ...(wish.code_mounts ?? []).map((codeMount) => ({ type: 'code_mount', ...codeMount }) as const),
  ...(wish.mounts ?? []),
];
