import { readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { cgroupDirectories } from '../runtimes/oci/cgroup-layout.ts';
import { cgroupParent, type HostParts, READY_NETWORKS } from './host-parts.ts';

/** What a host without boxes must not have, counted in the kernel and on disk, not in this process's memory. */
export async function countLeaks(parts: HostParts): Promise<Record<string, number>> {
  const { paths, cgroups, configuration } = parts;
  const roots = paths.runtimeRoots;
  const parents = cgroupDirectories(cgroups, cgroupParent(configuration));
  const [mounts, subvolumes, bundles, links, runtimeStates, interfaces, sockets, descriptors, groups, processes] =
    await Promise.all([
      countMounts(paths.bundles),
      countEntries(paths.subvolumes),
      countEntries(paths.bundles),
      countEntries(paths.links),
      Promise.all(roots.map(countEntries)),
      countInterfaces(configuration.interfacePrefix),
      countSockets(paths.links),
      countDescriptors([paths.volume, paths.links, paths.bundles, ...roots]),
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
    runtimeStates: sum(runtimeStates),
    interfaces: Math.max(0, interfaces - READY_NETWORKS),
    sockets,
    descriptors,
  };
}

/** Sockets bound below the directory, and connections accepted by them. */
async function countSockets(below: string): Promise<number> {
  const sockets = await readFile('/proc/net/unix', 'utf8');
  return sockets.split('\n').filter((line) => line.includes(` ${below}/`)).length;
}

/** Open files of this process below any of the directories. */
async function countDescriptors(below: readonly string[]): Promise<number> {
  const names = await readdir('/proc/self/fd');
  const targets = await Promise.all(names.map((name) => readlink(`/proc/self/fd/${name}`).catch(() => '')));
  return targets.filter((target) => below.some((directory) => target.startsWith(`${directory}/`))).length;
}

async function countMounts(below: string): Promise<number> {
  const mountinfo = await readFile('/proc/self/mountinfo', 'utf8');
  return mountinfo.split('\n').filter((line) => line.split(' ')[4]?.startsWith(`${below}/`)).length;
}

async function countInterfaces(prefix: string): Promise<number> {
  const interfaces = await readFile('/proc/net/dev', 'utf8');
  return interfaces.split('\n').filter((line) => line.trim().startsWith(`${prefix}-`)).length;
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
