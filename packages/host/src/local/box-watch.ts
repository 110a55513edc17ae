import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { HelperProcess } from '../helper/helper-process.ts';
import { type CgroupLayout, controllerDirectory } from '../runtimes/oci/cgroup-layout.ts';
import type { Runtimes } from '../runtimes/runtimes.ts';
import type { BoxRow } from './box-store.ts';
import type { HostConfiguration } from './configuration.ts';
import { cgroupsPathOf } from './host-parts.ts';
import { parseStat } from './process-table.ts';

/** What is needed to find and watch the processes of boxes. */
export interface WatchParts {
  readonly helper: Pick<HelperProcess, 'call'>;
  readonly runtimes: Runtimes;
  readonly cgroups: CgroupLayout;
  readonly configuration: Pick<HostConfiguration, 'interfacePrefix'>;
  /** Companion process of each box that has one, for telling its end from that of a stranger. */
  readonly companions: Map<string, number>;
}

/**
 * Watches every process outside without which the box cannot go on: its init, and the companion that some runtimes have.
 * @returns false when the companion is gone already
 */
export async function watchBox(parts: WatchParts, row: BoxRow): Promise<boolean> {
  const { id, pid, startTimeTicks } = row;
  if (pid === undefined || startTimeTicks === undefined) {
    return true;
  }
  const companion = await parts.runtimes.get(row.isolation)?.companionPid(id);
  if (companion !== undefined) {
    const ticks = await memberSince(parts, id, companion);
    if (ticks === undefined) {
      return false;
    }
    parts.companions.set(id, companion);
    await parts.helper.call('boxWatch', { boxId: id, pid: companion, startTimeTicks: ticks });
  }
  await parts.helper.call('boxWatch', { boxId: id, pid, startTimeTicks });
  return true;
}

/** Start time of a process of the box; undefined when it is none (any more). */
async function memberSince(
  { cgroups, configuration }: WatchParts,
  boxId: string,
  pid: number,
): Promise<number | undefined> {
  const directory = controllerDirectory(cgroups, 'memory', cgroupsPathOf(configuration, boxId)) ?? '';
  const stat = parseStat(await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ''));
  const members = await readFile(join(directory, 'cgroup.procs'), 'utf8').catch(() => '');
  return stat !== undefined && stat.state !== 'Z' && members.split('\n').includes(String(pid))
    ? stat.startTimeTicks
    : undefined;
}
