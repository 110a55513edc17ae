import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Views of the kernel's own tables; everything here only reads. */

const read = (path: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // The process may have ended since its directory was listed.
    return '';
  }
};

/** Ids of all processes that exist now. */
export const processIds = (): number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);

/** Processes whose command line or environment names `text`, or whose control group does. */
export const processesNaming = (text: string): string[] =>
  processIds()
    .filter((pid) => pid !== process.pid)
    .filter((pid) => ['cmdline', 'cgroup'].some((file) => read(`/proc/${pid}/${file}`).includes(text)))
    .map((pid) => `process ${pid}: ${read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').slice(0, 120)}`);

/** Mounts below `path`, in the mount namespace of these processes; of all when none are named. */
export const mountsNaming = (path: string, pids: readonly number[] = processIds()): string[] => {
  const seen = new Map<string, string>();
  for (const pid of pids) {
    for (const line of read(`/proc/${pid}/mountinfo`).split('\n')) {
      if (line.includes(path)) {
        seen.set(line.split(' ').slice(3, 5).join(' '), `mount in process ${pid}: ${line.slice(0, 200)}`);
      }
    }
  }
  return [...seen.values()];
};

/** Network interfaces of this network namespace whose name starts with `prefix`. */
export const interfacesNamed = (prefix: string): string[] =>
  readdirSync('/sys/class/net')
    .filter((name) => name.startsWith(prefix))
    .map((name) => `interface ${name}`);

/** Loop devices backed by a file below `path`. */
export const loopDevicesNaming = (path: string): string[] =>
  readdirSync('/sys/block')
    .filter((name) => name.startsWith('loop'))
    .filter((name) => read(`/sys/block/${name}/loop/backing_file`).includes(path))
    .map((name) => `loop device ${name}`);

/** Control groups whose name contains `text`, in every hierarchy. */
export const controlGroupsNaming = (text: string): string[] => {
  const found: string[] = [];
  const walk = (folder: string): void => {
    for (const entry of existsSync(folder) ? readdirSync(folder, { withFileTypes: true }) : []) {
      if (!entry.isDirectory()) {
        continue;
      }
      const path = join(folder, entry.name);
      if (entry.name.includes(text)) {
        found.push(`control group ${path}`);
      } else {
        walk(path);
      }
    }
  };
  walk('/sys/fs/cgroup');
  return found;
};

/** Resident memory of a process, in bytes; 0 when it is gone. */
export const residentBytes = (pid: number): number =>
  Number(/^VmRSS:\s+(\d+) kB$/m.exec(read(`/proc/${pid}/status`))?.[1] ?? 0) * 1024;

/** Direct children of a process, with their command lines. */
export const childrenOf = (pid: number): Array<{ readonly pid: number; readonly command: string }> =>
  processIds()
    .filter((id) => new RegExp(`^PPid:\\s+${pid}$`, 'm').test(read(`/proc/${id}/status`)))
    .map((id) => ({ pid: id, command: read(`/proc/${id}/cmdline`).replaceAll('\0', ' ') }));

/** Control groups of a process, one a hierarchy; empty when it is gone. */
export const controlGroupOf = (pid: number): string => read(`/proc/${pid}/cgroup`);

/** Processes in a control group of this name, with their command lines. */
export const membersOf = (group: string): Array<{ readonly pid: number; readonly command: string }> =>
  processIds()
    .filter((pid) => controlGroupOf(pid).includes(`/${group}`))
    .map((pid) => ({ pid, command: read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ') }));

/** The process outside that is number 1 inside the box, found by its control group. */
export const initOf = (boxId: string): number | undefined =>
  processIds().find(
    (id) => read(`/proc/${id}/cgroup`).includes(boxId) && /^NSpid:.*\s1$/m.test(read(`/proc/${id}/status`)),
  );
