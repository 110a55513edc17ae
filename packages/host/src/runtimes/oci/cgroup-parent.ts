import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type CgroupLayout, controllerDirectory } from './cgroup-layout.ts';

/** Makes the parent of all boxes' groups ready for them: under v1 a group has no cores before its parent has some, and not every runtime sees to that. */
export async function prepareCgroupParent(layout: CgroupLayout, cgroupsPath: string): Promise<void> {
  const directory = layout.version === 'v2' ? undefined : controllerDirectory(layout, 'cpuset', cgroupsPath);
  if (directory === undefined) {
    return;
  }
  await mkdir(directory, { recursive: true });
  for (const name of ['cpuset.cpus', 'cpuset.mems']) {
    const path = join(directory, name);
    if ((await readFile(path, 'utf8')).trim() === '') {
      await writeFile(path, await readFile(join(dirname(directory), name), 'utf8'));
    }
  }
}
