import { readFile } from 'node:fs/promises';
import { totalmem } from 'node:os';
import type { Isolation } from '../../contract/index.ts';
import { readUsage } from '../../runtimes/oci/cgroup-usage.ts';
import type { BoxLifecycle } from '../box-lifecycle.ts';
import { cgroupsPathOf, type HostParts } from '../host-parts.ts';
import { WarmPool } from './warm-pool.ts';

const BUDGET_SHARE = 1 / 16;
const MAX_BUDGET_BYTES = 2 * 2 ** 30;
const RESERVE_SHARE = 1 / 10;
const MAX_RESERVE_BYTES = 2 * 2 ** 30;

/** The pool of this machine; none when it is switched off. */
export function openPool(parts: HostParts, lifecycle: BoxLifecycle): WarmPool | undefined {
  const { configuration, machine, store, guests, cgroups, log } = parts;
  if (configuration.pool === 'off') {
    return undefined;
  }
  const { pooled } = lifecycle;
  const pool = new WarmPool({
    log,
    budgetBytes: configuration.poolMemoryBytes ?? Math.min(MAX_BUDGET_BYTES, totalmem() * BUDGET_SHARE),
    reserveBytes: Math.min(MAX_RESERVE_BYTES, totalmem() * RESERVE_SHARE),
    startsAtOnce: (isolation) => startsAtOnce(isolation, machine.cpus.length),
    works: {
      start: (place, template) => pooled.start(place, template),
      discard: (place) => pooled.discard(place),
      newPlace: () => pooled.newPlace(),
      isUsable: (place) => store.at(place)?.phase === 'pooled' && guests.live(place).connected,
      isBusy: () => lifecycle.isStarting,
      memoryOf: async (place) => (await readUsage(cgroups, cgroupsPathOf(configuration, place))).memoryUsedBytes,
      availableBytes: readAvailableBytes,
    },
  });
  lifecycle.usePool(pool);
  return pool;
}

/**
 * The work on a start of runc is done outside the box, so the other processors are for those who have their boxes. A sandbox of gVisor starts itself, in a
 * cgroup that stands back behind all others.
 */
const startsAtOnce = (isolation: Isolation, processors: number): number =>
  isolation === 'container' ? Math.max(1, Math.floor(processors / 2)) : processors;

/** Memory that can be had without taking it from others. */
async function readAvailableBytes(): Promise<number> {
  const kib = /^MemAvailable:\s+(\d+) kB$/m.exec(await readFile('/proc/meminfo', 'utf8'))?.[1];
  return Number(kib ?? 0) * 1024;
}
