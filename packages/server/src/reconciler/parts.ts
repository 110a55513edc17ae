import type { AccountSettings } from '@berth/contract';
import type { BoxSpec, Host } from '@berth/host/contract';
import type { Logger } from 'pino';
import type { ActivityTracker } from '../devboxes/activity.ts';
import type { Devbox } from '../devboxes/devbox.ts';
import type { DevboxStore } from '../devboxes/store.ts';
import type { TransitionStore } from '../devboxes/transition-store.ts';
import type { LayerCache } from '../layers/layer-cache.ts';
import type { Mounts } from '../mounts/mounts.ts';
import type { SecretService } from '../secrets/service.ts';
import type { Births } from './births.ts';
import type { FairQueue } from './fair-queue.ts';

/** What the steps of a box's life work with. */
export interface StepParts {
  readonly host: Host;
  readonly store: DevboxStore;
  readonly transitions: TransitionStore;
  readonly activity: ActivityTracker;
  readonly secrets: Pick<SecretService, 'reveal'>;
  /** The kinds of mounts that are placed before a box runs. */
  readonly mounts: Pick<Mounts, 'require'>;
  /** Grade of isolation of boxes for which nobody names one. */
  readonly defaultIsolation: BoxSpec['isolation'];
  /** Defaults that the account has set. */
  readonly accountSettings: (accountId: string) => Promise<AccountSettings>;
  /** What keeps a snapshot from being started from, once it is no longer being taken. */
  readonly imageProblem: (id: string, signal: AbortSignal) => Promise<string | undefined>;
  /** Bounds parallel creates, fair between accounts. */
  readonly creates: FairQueue;
  /** Creates that began before their row was written. */
  readonly births: Births;
  /** Mounts that are made once for many boxes. */
  readonly layers: LayerCache;
  /** Name of the host's default image; another one has another name. */
  readonly defaultImage: () => string | undefined;
  /** How long a box may stay suspended; null is endlessly. */
  readonly suspendedTtlMs: number | null;
  readonly log: Logger;
  /** A box now runs and has a deadline this far away. */
  readonly onDeadline: (inMs: number) => void;
  /** A box is gone: its retention begins. */
  readonly onReleased: (box: Devbox) => void;
}
