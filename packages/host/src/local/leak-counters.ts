import { readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { cgroupDirectories } from '../runtimes/oci/cgroup-layout.ts';
import { isNobodys } from './box-row.ts';
import { cgroupParent, type HostParts, READY_NETWORKS } from './host-parts.ts';

/** What a host without boxes must not have, beside what its pool has, counted in the kernel and on disk, not in this process's memory. */
export async function countLeaks(parts: HostParts): Promise<Record<string, number>> {
  const { paths, cgroups, configuration, store } = parts;
  const waiting = new Set([
    ...store.all().flatMap((row) => (isNobodys(row) ? [row.place] : [])),
    ...parts.readySandboxes,
  ]);
  const roots = paths.runtimeRoots;
  const parents = cgroupDirectories(cgroups, cgroupParent(configuration));
  const [
    mounts,
    subvolumes,
    memoryImages,
    bundles,
    links,
    runtimeStates,
    interfaces,
    sockets,
    descriptors,
    groups,
    processes,
  ] = await Promise.all([
    countMounts(paths.bundles, waiting),
    countEntries(paths.subvolumes, waiting),
    countEntries(paths.memory, new Set()),
    countEntries(paths.bundles, waiting),
    countEntries(paths.links, waiting),
    Promise.all(roots.map((root) => countEntries(root, waiting))),
    countInterfaces(configuration.interfacePrefix),
    countSockets(paths.links, waiting),
    countDescriptors([paths.volume, paths.links, paths.bundles, ...roots], waiting),
    Promise.all(parents.map((parent) => countDirectories(parent, waiting))),
    Promise.all(parents.map((parent) => countProcesses(parent, waiting))),
  ]);
  return {
    mounts,
    processes: Math.max(0, ...processes),
    cgroups: sum(groups),
    subvolumes,
    memoryImages,
    bundles,
    links,
    runtimeStates: sum(runtimeStates),
    interfaces: Math.max(0, interfaces - READY_NETWORKS - waiting.size),
    sockets,
    descriptors,
  };
}

type Places = ReadonlySet<string>;

/** Whether the path lies below the directory, and not in a place that is left out. */
function isBelow(path: string, directory: string, leftOut: Places): boolean {
  const [place = ''] = path.startsWith(`${directory}/`) ? path.slice(directory.length + 1).split('/') : [];
  return place !== '' && !leftOut.has(place);
}

/** Sockets bound below the directory, and connections accepted by them. */
async function countSockets(below: string, leftOut: Places): Promise<number> {
  const sockets = await readFile('/proc/net/unix', 'utf8');
  return sockets.split('\n').filter((line) => isBelow(line.slice(line.indexOf(' /') + 1), below, leftOut)).length;
}

/** Open files of this process below any of the directories. */
async function countDescriptors(below: readonly string[], leftOut: Places): Promise<number> {
  const names = await readdir('/proc/self/fd');
  const targets = await Promise.all(names.map((name) => readlink(`/proc/self/fd/${name}`).catch(() => '')));
  return targets.filter((target) => below.some((directory) => isBelow(target, directory, leftOut))).length;
}

async function countMounts(below: string, leftOut: Places): Promise<number> {
  const mountinfo = await readFile('/proc/self/mountinfo', 'utf8');
  return mountinfo.split('\n').filter((line) => isBelow(line.split(' ')[4] ?? '', below, leftOut)).length;
}

async function countInterfaces(prefix: string): Promise<number> {
  const interfaces = await readFile('/proc/net/dev', 'utf8');
  return interfaces.split('\n').filter((line) => line.trim().startsWith(`${prefix}-`)).length;
}

async function countEntries(directory: string, leftOut: Places): Promise<number> {
  const names = await readdir(directory).catch(() => []);
  return names.filter((name) => !leftOut.has(name)).length;
}

async function countDirectories(directory: string, leftOut: Places): Promise<number> {
  return (await directories(directory, leftOut)).length;
}

async function countProcesses(parent: string, leftOut: Places): Promise<number> {
  const counts = (await directories(parent, leftOut)).map(async (name) => {
    const members = await readFile(join(parent, name, 'cgroup.procs'), 'utf8').catch(() => '');
    return members.split('\n').filter((line) => line !== '').length;
  });
  return sum(await Promise.all(counts));
}

async function directories(directory: string, leftOut: Places): Promise<string[]> {
  const entries = await readdir(directory, { withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isDirectory() && !leftOut.has(entry.name)).map(({ name }) => name);
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
