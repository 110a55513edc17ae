import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Where the cgroup hierarchies of this machine are mounted. */
export interface CgroupLayout {
  readonly version: 'v1' | 'hybrid' | 'v2';
  /** v1 controllers by name (`memory`, `cpu`, …; `name=systemd` as `systemd`); empty under v2. */
  readonly controllers: ReadonlyMap<string, string>;
  /** Mount of the v2 tree, if there is one. */
  readonly unified: string | undefined;
}

export async function detectCgroups(): Promise<CgroupLayout> {
  return parseCgroupMounts(await readFile('/proc/self/mountinfo', 'utf8'));
}

/** Reads the layout out of /proc/self/mountinfo. The first mount of a hierarchy counts. */
export function parseCgroupMounts(mountinfo: string): CgroupLayout {
  const controllers = new Map<string, string>();
  let unified: string | undefined;
  for (const line of mountinfo.split('\n')) {
    const [left = '', right = ''] = line.split(' - ');
    const mountPoint = left.split(' ')[4] ?? '';
    const [type, , options = ''] = right.split(' ');
    if (type === 'cgroup2') {
      unified ??= mountPoint;
    } else if (type === 'cgroup') {
      for (const option of options.split(',')) {
        const name = option.startsWith('name=') ? option.slice(5) : option;
        if (name !== 'rw' && name !== 'ro' && name !== 'xattr' && !name.includes('=') && !controllers.has(name)) {
          controllers.set(name, mountPoint);
        }
      }
    }
  }
  const version = controllers.size === 0 ? 'v2' : unified === undefined ? 'v1' : 'hybrid';
  return { version, controllers, unified };
}

/** Every directory that a cgroup of this path (`/berth-x/box`) may have. */
export function cgroupDirectories(layout: CgroupLayout, cgroupsPath: string): string[] {
  const mounts = new Set(layout.controllers.values());
  if (layout.unified !== undefined) {
    mounts.add(layout.unified);
  }
  return [...mounts].map((mount) => join(mount, cgroupsPath));
}

/** Directory of one controller of the cgroup; under v2 the only one there is. */
export function controllerDirectory(layout: CgroupLayout, controller: string, cgroupsPath: string): string | undefined {
  const mount = layout.version === 'v2' ? layout.unified : layout.controllers.get(controller);
  return mount === undefined ? undefined : join(mount, cgroupsPath);
}
