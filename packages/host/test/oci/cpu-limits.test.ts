import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CgroupLayout } from '../../src/runtimes/oci/cgroup-layout.ts';
import { cpuLimitsOf, weightOf, writeCpuQuota, writeCpuShare } from '../../src/runtimes/oci/cpu-limits.ts';

const size = { cpus: 0.5, memoryBytes: 2 ** 29, diskBytes: 2 ** 30, processes: 100 };

describe('what a box may have of the processors', () => {
  let root: string;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'berth-cpu-'));
    await mkdir(join(root, 'box'));
  });
  afterEach(() => rm(root, { recursive: true }));

  const read = (name: string) => readFile(join(root, 'box', name), 'utf8');
  const empty = (names: string[]) => Promise.all(names.map((name) => writeFile(join(root, 'box', name), '')));

  it('is no quota until it has started, and a small share until somebody has it', () => {
    expect(cpuLimitsOf(size, 'limited')).toEqual({ shares: 512, quotaUs: 50_000, periodUs: 100_000 });
    expect(cpuLimitsOf(size, 'starting')).toEqual({ shares: 512, quotaUs: undefined, periodUs: 100_000 });
    expect(cpuLimitsOf({ cpus: 0.01 }, 'waiting')).toMatchObject({ shares: 10 });
    expect(cpuLimitsOf(size, 'waiting')).toEqual({ shares: 64, quotaUs: undefined, periodUs: 100_000 });
  });

  it('is written as version 1 has it', async () => {
    const layout: CgroupLayout = { version: 'hybrid', controllers: new Map([['cpu', root]]), unified: '/nowhere' };
    await empty(['cpu.cfs_quota_us', 'cpu.shares']);
    await writeCpuQuota(layout, 'box', size);
    writeCpuShare(layout, 'box', size);
    expect([await read('cpu.cfs_quota_us'), await read('cpu.shares')]).toEqual(['50000', '512']);
  });

  it('is written as version 2 has it', async () => {
    const layout: CgroupLayout = { version: 'v2', controllers: new Map(), unified: root };
    await empty(['cpu.max', 'cpu.weight']);
    await writeCpuQuota(layout, 'box', size);
    writeCpuShare(layout, 'box', size);
    expect([await read('cpu.max'), await read('cpu.weight')]).toEqual(['50000 100000', '20']);
    expect([2, 64, 1024, 262_144].map(weightOf)).toEqual([1, 3, 39, 10_000]);
  });

  it('fails where the box is gone', async () => {
    const layout: CgroupLayout = { version: 'v2', controllers: new Map(), unified: root };
    await expect(writeCpuQuota(layout, 'gone', size)).rejects.toThrow(/ENOENT/);
    expect(() => writeCpuShare(layout, 'gone', size)).toThrow(/ENOENT/);
  });
});
