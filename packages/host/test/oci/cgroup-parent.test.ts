import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CgroupLayout } from '../../src/runtimes/oci/cgroup-layout.ts';
import { prepareCgroupParent } from '../../src/runtimes/oci/cgroup-parent.ts';

describe('parent of the groups of boxes', () => {
  let root: string;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'berth-parent-'));
  });
  afterEach(() => rm(root, { recursive: true }));

  const v2 = (): CgroupLayout => ({ version: 'v2', controllers: new Map(), unified: root });

  it('gives away what boxes need under version 2, along the path', async () => {
    await mkdir(join(root, 'berth-x'));
    await writeFile(join(root, 'cgroup.controllers'), 'cpuset cpu io memory hugetlb pids rdma misc\n');
    await writeFile(join(root, 'cgroup.subtree_control'), 'cpu memory\n');
    await writeFile(join(root, 'berth-x/cgroup.subtree_control'), '\n');
    await prepareCgroupParent(v2(), '/berth-x');
    expect(await readFile(join(root, 'cgroup.subtree_control'), 'utf8')).toBe('+cpuset +pids');
    expect(await readFile(join(root, 'berth-x/cgroup.subtree_control'), 'utf8')).toBe('+cpuset +cpu +memory +pids');
  });

  it('says which controllers are missing', async () => {
    await writeFile(join(root, 'cgroup.controllers'), 'cpu memory pids\n');
    await expect(prepareCgroupParent(v2(), '/berth-x')).rejects.toThrow(/need the cgroup controllers cpuset/);
  });

  it('gives the group cores under version 1, and leaves those that it has', async () => {
    const cpuset = join(root, 'cpuset');
    await mkdir(join(cpuset, 'berth-x'), { recursive: true });
    await writeFile(join(cpuset, 'cpuset.cpus'), '0-3\n');
    await writeFile(join(cpuset, 'cpuset.mems'), '0\n');
    await writeFile(join(cpuset, 'berth-x/cpuset.cpus'), '2\n');
    await writeFile(join(cpuset, 'berth-x/cpuset.mems'), '\n');
    const layout: CgroupLayout = { version: 'v1', controllers: new Map([['cpuset', cpuset]]), unified: undefined };
    await prepareCgroupParent(layout, '/berth-x');
    expect(await readFile(join(cpuset, 'berth-x/cpuset.cpus'), 'utf8')).toBe('2\n');
    expect(await readFile(join(cpuset, 'berth-x/cpuset.mems'), 'utf8')).toBe('0\n');
  });
});
