import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { controllerDirectory } from '../runtimes/oci/cgroup-layout.ts';
import { type Pace, quotaFile } from '../runtimes/oci/cpu-limits.ts';
import { coresOf } from '../runtimes/oci/resources.ts';
import type { BoxRow } from './box-row.ts';
import { cgroupsPathOf, type HostParts } from './host-parts.ts';

type Parts = Pick<HostParts, 'cgroups' | 'configuration' | 'machine' | 'log'>;
type Bounded = Pick<BoxRow, 'place' | 'size' | 'slot'>;

/**
 * Holds a box to the processor time and the cores of its size, whatever it has now. What its programs count as cores they know from their memory. Idempotent.
 */
export async function boundProcessor(parts: Parts, box: Bounded): Promise<void> {
  await set(parts, box, 'limited', coresOf(box.size.cpus, box.slot, parts.machine.cpus));
}

/** Lets the runtime work at full speed on a box none of whose programs runs. Where that cannot be, it is slower. {@link boundProcessor} has to follow. */
export async function unboundProcessor(parts: Parts, box: Bounded): Promise<void> {
  try {
    await set(parts, box, 'waking', parts.machine.cpus);
  } catch (error) {
    parts.log.warn({ place: box.place, error: String(error) }, 'the processor bounds of a box could not be lifted');
  }
}

async function set(
  { cgroups, configuration }: Parts,
  { place, size }: Bounded,
  pace: Pace,
  cores: readonly number[],
): Promise<void> {
  const path = cgroupsPathOf(configuration, place);
  const [cpu, cpuset] = ['cpu', 'cpuset'].map((controller) => controllerDirectory(cgroups, controller, path));
  const [file, value] = quotaFile(cgroups.version, size, pace);
  await Promise.all([
    ...(cpu === undefined ? [] : [write(join(cpu, file), value)]),
    ...(cpuset === undefined ? [] : [write(join(cpuset, 'cpuset.cpus'), cores.join(','))]),
  ]);
}

/** Moves no thread to where it is already. */
async function write(file: string, value: string): Promise<void> {
  if ((await readFile(file, 'utf8')).trim() !== value) {
    await writeFile(file, value);
  }
}
