import { access, mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type CgroupLayout, controllerDirectory } from './cgroup-layout.ts';

const NEEDED = ['cpuset', 'cpu', 'memory', 'pids'];
const MOVE_ROUNDS = 20;

/**
 * Makes the parent of all boxes' groups ready for them. Under v1 a group has no cores before its parent has some, and not every runtime sees to that;
 * under v2 it has only the controllers that every group above it gives away.
 */
export async function prepareCgroupParent(layout: CgroupLayout, cgroupsPath: string): Promise<void> {
  if (layout.version === 'v2' && layout.unified !== undefined) {
    await prepareUnified(layout.unified, join(layout.unified, cgroupsPath));
    return;
  }
  const directory = controllerDirectory(layout, 'cpuset', cgroupsPath);
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

async function prepareUnified(root: string, parent: string): Promise<void> {
  const available = await words(join(root, 'cgroup.controllers'));
  const missing = NEEDED.filter((name) => !available.includes(name));
  if (missing.length > 0) {
    throw new Error(`boxes need the cgroup controllers ${missing.join(', ')}, which ${root} does not have`);
  }
  await mkdir(parent, { recursive: true });
  try {
    await delegate(root);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EBUSY')) {
      throw error;
    }
    await moveProcessesDown(root);
    await delegate(root);
  }
  await delegate(parent);
}

/** Gives the groups below a group their own share of what it has. */
async function delegate(group: string): Promise<void> {
  const path = join(group, 'cgroup.subtree_control');
  const given = await words(path);
  const missing = NEEDED.filter((name) => !given.includes(name));
  if (missing.length > 0) {
    await writeFile(path, missing.map((name) => `+${name}`).join(' '));
  }
}

/**
 * A group other than the kernel's own root gives nothing away while processes are in it: so it is where Berth runs in a container. They go into a
 * group of their own, as other programs that make containers in containers do it.
 */
async function moveProcessesDown(root: string): Promise<void> {
  const isKernelRoot = await access(join(root, 'cgroup.type')).then(
    () => false,
    () => true,
  );
  if (isKernelRoot) {
    throw new Error(`${root} does not give its cgroup controllers to the groups below`);
  }
  const below = join(root, 'init');
  await mkdir(below, { recursive: true });
  // More than once: some start others meanwhile. A process of another pid namespace has no name here (0).
  for (let round = 0; round < MOVE_ROUNDS; round++) {
    const pids = (await words(join(root, 'cgroup.procs'))).filter((pid) => pid !== '0');
    if (pids.length === 0) {
      return;
    }
    for (const pid of pids) {
      await writeFile(join(below, 'cgroup.procs'), pid).catch(ignoreEnded);
    }
  }
}

function ignoreEnded(error: unknown): void {
  if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) {
    throw error;
  }
}

async function words(path: string): Promise<string[]> {
  const text = await readFile(path, 'utf8');
  return text.split(/\s+/).filter((word) => word !== '');
}
