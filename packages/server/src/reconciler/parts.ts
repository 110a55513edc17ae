import type { BoxSpec, Host } from '@berth/host/contract';
import type { Logger } from 'pino';
import type { ActivityTracker } from '../devboxes/activity.ts';
import type { DevboxStore } from '../devboxes/store.ts';
import type { TransitionStore } from '../devboxes/transition-store.ts';
import type { SecretService } from '../secrets/service.ts';
import type { FairQueue } from './fair-queue.ts';

/** What the steps of a box's life work with. */
export interface StepParts {
  readonly host: Host;
  readonly store: DevboxStore;
  readonly transitions: TransitionStore;
  readonly activity: ActivityTracker;
  readonly secrets: Pick<SecretService, 'reveal'>;
  /** Grade of isolation of boxes that name none. */
  readonly defaultIsolation: BoxSpec['isolation'];
  /** Bounds parallel creates, fair between accounts. */
  readonly creates: FairQueue;
  readonly log: Logger;
  /** A box now runs and has a deadline this far away. */
  readonly onDeadline: (inMs: number) => void;
  /** A box is gone: its retention begins. */
  readonly onReleased: () => void;
}

/** Ids of the executions that the platform itself starts: the same ones after a restart, so that nothing runs twice. */
export const setupExecutionId = (index: number): string => `setup-${index}`;
export const entrypointExecutionId = 'entrypoint';
