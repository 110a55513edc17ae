import { kill } from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../chaos/random.ts';
import { childrenOf, controlGroupOf, membersOf } from '../platform/kernel.ts';
import { firstProcessIn, placeOf } from '../platform/places.ts';
import type { Platform } from '../platform/platform.ts';

/** Processes of a platform that nobody but the kernel knows by name; all of these answer whether one was killed. */

const strike = (pid: number | undefined): boolean => {
  try {
    return pid !== undefined && kill(pid, 'SIGKILL');
  } catch {
    // It was quicker.
    return false;
  }
};

const helperOf = (platform: Platform): number | undefined =>
  childrenOf(platform.process('host').pid).find(({ command }) => command.includes('helper'))?.pid;

export const killHelper = (platform: Platform): boolean => strike(helperOf(platform));

/** How long a run of the runtime is waited for. */
const watchMs = 1_500;

/** A program of the runtime at work: creating, pausing, writing memory, restoring. Not what stays with a box. */
export async function killRuntime(platform: Platform): Promise<boolean> {
  for (const deadline = performance.now() + watchMs; performance.now() < deadline; await sleep(15)) {
    const helper = helperOf(platform);
    const atWork = (helper === undefined ? [] : childrenOf(helper)).find(
      ({ pid, command }) => /\b(runc|runsc) /.test(command) && !controlGroupOf(pid).includes('/berth-'),
    );
    if (strike(atWork?.pid)) {
      return true;
    }
  }
  return false;
}

/** One of the processes without which a box cannot go on: guest, or sandbox, or gofer. */
export function killBox(platform: Platform, boxId: string, random: Random): boolean {
  const isFirst = random.next() < 0.6;
  const place = placeOf(platform, boxId);
  const members = membersOf(place);
  const first = firstProcessIn(platform, place);
  const gofer = members.find(({ command }) => command.includes('gofer'));
  const victim = isFirst || gofer === undefined ? members.find(({ pid }) => pid === first) : gofer;
  return strike(victim?.pid);
}
