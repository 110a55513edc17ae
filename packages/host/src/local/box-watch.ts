import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { HelperProcess } from '../helper/helper-process.ts';
import { type CgroupLayout, controllerDirectory } from '../runtimes/oci/cgroup-layout.ts';
import type { Runtimes } from '../runtimes/runtimes.ts';
import type { BoxRow } from './box-row.ts';
import type { HostConfiguration } from './configuration.ts';
import { cgroupsPathOf } from './host-parts.ts';
import { parseStat } from './process-table.ts';

/** What is needed to find and watch the processes of boxes. */
export interface WatchParts {
  readonly helper: Pick<HelperProcess, 'call'>;
  readonly runtimes: Runtimes;
  readonly cgroups: CgroupLayout;
  readonly configuration: Pick<HostConfiguration, 'interfacePrefix'>;
  /** Companion process of the box in each place, where it has one, for telling its end from that of a stranger. */
  readonly companions: Map<string, number>;
}

/**
 * Watches every process outside without which the box cannot go on: its init, and the companion that some runtimes have.
 * @returns false when the companion is gone already
 */
export async function watchBox(parts: WatchParts, row: BoxRow): Promise<boolean> {
  const { place, pid, startTimeTicks } = row;
  if (pid === undefined || startTimeTicks === undefined) {
    return true;
  }
  const companion = await parts.runtimes.get(row.isolation)?.companionPid(place);
  if (companion !== undefined) {
    const ticks = await memberSince(parts, place, companion);
    if (ticks === undefined) {
      return false;
    }
    parts.companions.set(place, companion);
    await Promise.all([
      parts.helper.call('boxWatch', { boxId: place, pid: companion, startTimeTicks: ticks }),
      parts.helper.call('boxWatch', { boxId: place, pid, startTimeTicks }),
    ]);
  } else {
    await parts.helper.call('boxWatch', { boxId: place, pid, startTimeTicks });
  }
  return true;
}

/** Start time of a process of the box; undefined when it is none (any more). */
async function memberSince(
  { cgroups, configuration }: WatchParts,
  place: string,
  pid: number,
): Promise<number | undefined> {
  const directory = controllerDirectory(cgroups, 'memory', cgroupsPathOf(configuration, place)) ?? '';
  const stat = parseStat(await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ''));
  const members = await readFile(join(directory, 'cgroup.procs'), 'utf8').catch(() => '');
  return stat !== undefined && stat.state !== 'Z' && members.split('\n').includes(String(pid))
    ? stat.startTimeTicks
    : undefined;
}
