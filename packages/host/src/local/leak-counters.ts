import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cgroupDirectories } from '../runtimes/oci/cgroup-layout.ts';
import { cgroupParent, type HostParts } from './host-parts.ts';

/** What a host without boxes must not have, counted in the kernel and on disk, not in this process's memory. */
export async function countLeaks(parts: HostParts, baseDescriptors: number): Promise<Record<string, number>> {
  const { paths, runtime, cgroups, configuration } = parts;
  const parents = cgroupDirectories(cgroups, cgroupParent(configuration));
  const [mounts, subvolumes, bundles, links, runtimeStates, interfaces, descriptors, groups, processes] =
    await Promise.all([
      countMounts(paths.bundles),
      countEntries(paths.subvolumes),
      countEntries(paths.bundles),
      countEntries(paths.links),
      countEntries(runtime.root),
      countInterfaces(configuration.interfacePrefix),
      countEntries('/proc/self/fd'),
      Promise.all(parents.map(countDirectories)),
      Promise.all(parents.map(countProcesses)),
    ]);
  return {
    mounts,
    processes: Math.max(0, ...processes),
    cgroups: sum(groups),
    subvolumes,
    bundles,
    links,
    runtimeStates,
    interfaces,
    descriptors: Math.max(0, descriptors - baseDescriptors),
  };
}

/** Descriptors that this process has open. */
export const countDescriptors = () => countEntries('/proc/self/fd');

async function countMounts(below: string): Promise<number> {
  const mountinfo = await readFile('/proc/self/mountinfo', 'utf8');
  return mountinfo.split('\n').filter((line) => line.split(' ')[4]?.startsWith(`${below}/`)).length;
}

/** Interfaces of boxes; pre-made network namespaces have theirs in use only once a box takes them, so those without a peer in use count 0. */
async function countInterfaces(prefix: string): Promise<number> {
  const routes = await readFile('/proc/net/dev', 'utf8');
  return routes.split('\n').filter((line) => line.trim().startsWith(prefix)).length;
}

async function countEntries(directory: string): Promise<number> {
  return (await readdir(directory).catch(() => [])).length;
}

async function countDirectories(directory: string): Promise<number> {
  const entries = await readdir(directory, { withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isDirectory()).length;
}

async function countProcesses(parent: string): Promise<number> {
  const entries = await readdir(parent, { withFileTypes: true }).catch(() => []);
  const counts = await Promise.all(
    entries
      .filter((entry) => entry.isDirectory())
      .map(async ({ name }) => {
        const members = await readFile(join(parent, name, 'cgroup.procs'), 'utf8').catch(() => '');
        return members.split('\n').filter((line) => line !== '').length;
      }),
  );
  return sum(counts);
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
