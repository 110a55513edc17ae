import { setTimeout as delay } from 'node:timers/promises';
import { HostError } from '../contract/index.ts';
import { cgroupDirectories } from '../runtimes/oci/cgroup-layout.ts';
import type { BoxRow } from './box-row.ts';
import { cgroupsPathOf, type HostParts } from './host-parts.ts';

const FLUSH_TIMEOUT_MS = 30_000;
const FIRST_RETRY_MS = 50;
const LAST_RETRY_MS = 2_000;

type Parts = Pick<HostParts, 'guests' | 'helper' | 'runtimes' | 'store' | 'cgroups' | 'configuration' | 'log'>;

/** Does something while no process of a running box runs and all that it has written is on its disk. */
export async function holdStill<Result>(
  parts: Parts,
  box: BoxRow,
  act: () => Promise<Result>,
): Promise<{ result: Result; pausedMs: number }> {
  await flush(parts, box);
  const frozenMs = performance.now();
  const isFrozen = await freeze(parts, box);
  try {
    const result = await act();
    return { result, pausedMs: isFrozen ? performance.now() - frozenMs : 0 };
  } finally {
    if (isFrozen) {
      await thaw(parts, box);
    }
  }
}

/**
 * Lets the guest write back what the box has written. Where the host's kernel has it all anyway, a guest that does not answer is no obstacle.
 * `signal` is aborted when there is no guest any more. @returns whether all of it is on the disk @throws HostError why it could not, of a box that runs
 */
export async function flush(
  { guests, runtimes, store, log }: Parts,
  { place, isolation }: BoxRow,
  signal?: AbortSignal,
): Promise<boolean> {
  const timeout = AbortSignal.timeout(FLUSH_TIMEOUT_MS);
  const abort = signal === undefined ? timeout : AbortSignal.any([timeout, signal]);
  try {
    await guests.live(place).sync(abort);
    return true;
  } catch (error) {
    const isKept = runtimes.get(isolation)?.holdsWrites !== true;
    if (!isKept && store.at(place)?.phase === 'running') {
      throw new HostError('internal', `the guest did not write back its files: ${String(error)}`, { retryable: true });
    }
    log.warn({ place, error: String(error) }, 'the guest did not flush its files');
    return isKept;
  }
}

/** @returns false when the box died meanwhile and there is nothing to freeze */
async function freeze(parts: Parts, box: BoxRow): Promise<boolean> {
  try {
    await parts.helper.call('boxFreeze', freezeWish(parts, box, true));
    return true;
  } catch (error) {
    if (parts.store.at(box.place)?.pid === box.pid && parts.store.at(box.place)?.phase === 'running') {
      throw error;
    }
    return false;
  }
}

/** Lets the box run on, however often it has to be tried; the next life of the host does it when this one ends. */
export async function thaw(parts: Parts, box: BoxRow): Promise<void> {
  for (let delayMs = FIRST_RETRY_MS; !parts.helper.closed; delayMs = Math.min(delayMs * 2, LAST_RETRY_MS)) {
    try {
      await parts.helper.call('boxFreeze', freezeWish(parts, box, false));
      return;
    } catch (error) {
      parts.log.error({ boxId: box.id, error: String(error) }, 'a box could not be thawed; trying again');
      await delay(delayMs);
    }
  }
}

const freezeWish = ({ cgroups, configuration }: Parts, { place }: BoxRow, frozen: boolean) => ({
  boxId: place,
  cgroups: cgroupDirectories(cgroups, cgroupsPathOf(configuration, place)),
  frozen,
});
