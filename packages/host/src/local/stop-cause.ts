import type { StopCause } from '../contract/index.ts';

export interface StopReason {
  readonly cause: StopCause;
  readonly detail: string;
}

const SIGKILL = 9;

export const companionEnded = 'a process of the runtime that the box needs (the gofer) ended';

/** Why the companion of a box's init ended, and the box with it. */
export function explainCompanionExit(waitStatus: number | null, oomKills: number): StopReason {
  const signal = (waitStatus ?? 0) & 0x7f;
  if (signal === SIGKILL && oomKills > 0) {
    return { cause: 'out_of_memory', detail: 'the kernel killed the gofer: the box had used up its memory' };
  }
  const how = signal === 0 ? '' : `: killed by signal ${signal}`;
  return { cause: 'runtime_failed', detail: `${companionEnded}${how}` };
}

/** Why a box ended, from what wait4 reported of its init (null: nobody saw it) and the OOM kills that its cgroup counted. Nothing is guessed. */
export function explainExit(waitStatus: number | null, oomKills: number): StopReason {
  if (waitStatus === null) {
    return { cause: 'guest_exited', detail: 'the guest ended; nobody saw how' };
  }
  const signal = waitStatus & 0x7f;
  if (signal === SIGKILL && oomKills > 0) {
    return { cause: 'out_of_memory', detail: 'the kernel killed the guest: the box had used up its memory' };
  }
  if (signal !== 0) {
    return { cause: 'guest_exited', detail: `the guest was killed by signal ${signal}` };
  }
  return { cause: 'guest_exited', detail: `the guest exited with code ${(waitStatus >> 8) & 0xff}` };
}
