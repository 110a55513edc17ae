export interface ReconcilerSettings {
  /** Creates that the host works on at once. */
  readonly parallelCreates: number;
  /** How long outputs and logs of a box that is gone are kept. */
  readonly retentionMs: number;
  /** First pause before a failed step is tried again. */
  readonly firstPauseMs: number;
}

export const defaultReconcilerSettings: ReconcilerSettings = {
  parallelCreates: 8,
  retentionMs: 7 * 24 * 3_600_000,
  firstPauseMs: 100,
};
