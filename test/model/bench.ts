import type { Random } from '../chaos/random.ts';
import type { PatientApi } from './api.ts';
import type { Grade, Model, ModelBox } from './expectation.ts';

/** What operations work with. */
export interface Bench {
  readonly api: PatientApi;
  readonly model: Model;
  readonly random: Random;
  readonly grades: readonly [Grade, ...Grade[]];
  /** Most boxes and snapshots of one client at a time. */
  readonly mostBoxes: number;
  readonly mostSnapshots: number;
  /** Whether a process that an operation stands on may have been killed since this time (`performance.now()`): it may say that it failed. */
  readonly isDisturbed: (since: number) => boolean;
}

/** Named shell whose memory is compared. */
export const shellName = 'model';

/** Whether processes of the box may go on over a suspension, a fork. */
export const canKeepMemory = (box: ModelBox): boolean => box.grade === 'gvisor';

/** Small boxes with small disks, so that one can be filled. */
export const launch = (grade: Grade) => ({
  resource_size_request: 'CUSTOM_SIZE',
  custom_cpu_cores: 0.5,
  custom_gb_memory: 1,
  custom_disk_size: 2,
  keep_alive_time_seconds: 7_200,
  isolation: grade,
});
