import { readOomKills } from '../runtimes/oci/cgroup-usage.ts';
import { cgroupsPathOf, type HostParts } from './host-parts.ts';
import { explainCompanionExit, explainExit, type StopReason } from './stop-cause.ts';

/** Why the box in this place ended, from the end of one of its processes outside. */
export async function explainEnd(
  { cgroups, companions, configuration, paths, runtimes, store }: HostParts,
  place: string,
  pid: number,
  waitStatus: number | null,
): Promise<StopReason> {
  const row = store.requireAt(place);
  const oomKills = await readOomKills(cgroups, cgroupsPathOf(configuration, place));
  if (companions.get(place) === pid) {
    return explainCompanionExit(waitStatus, oomKills);
  }
  const lastWords = await runtimes.get(row.isolation)?.lastWords(paths.bundle(place));
  return lastWords
    ? { cause: 'runtime_failed', detail: `the sandbox failed: ${lastWords}` }
    : explainExit(waitStatus, oomKills);
}
