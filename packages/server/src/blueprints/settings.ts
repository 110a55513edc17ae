import type { BuildLimits } from '@berth/host/contract';

export interface BlueprintSettings {
  /** Bounds of one build. */
  readonly limits: BuildLimits;
  /** First pause before a failed step is tried again. */
  readonly firstPauseMs: number;
}

const gibibyte = 1024 ** 3;

export const defaultBlueprintSettings: BlueprintSettings = {
  limits: {
    timeoutMs: 2 * 3_600_000,
    cpus: 4,
    memoryBytes: 8 * gibibyte,
    diskBytes: 32 * gibibyte,
    processes: 8_192,
  },
  firstPauseMs: 100,
};
