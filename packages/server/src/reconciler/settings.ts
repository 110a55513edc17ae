import type { BoxSpec } from '@berth/host/contract';

export interface ReconcilerSettings {
  /** Grade of isolation of boxes that name none. */
  readonly defaultIsolation: BoxSpec['isolation'];
  /** Creates that the host works on at once. */
  readonly parallelCreates: number;
  /** How long outputs and logs of a box that is gone are kept. */
  readonly retentionMs: number;
  /** How long a box may stay suspended before it is shut down (`ttl_expired`); null is endlessly. */
  readonly suspendedTtlMs: number | null;
  /** First pause before a failed step is tried again. */
  readonly firstPauseMs: number;
}

export const defaultReconcilerSettings: ReconcilerSettings = {
  defaultIsolation: 'container',
  parallelCreates: 8,
  retentionMs: 7 * 24 * 3_600_000,
  suspendedTtlMs: null,
  firstPauseMs: 100,
};
