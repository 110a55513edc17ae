import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CgroupLayout } from '../../src/runtimes/oci/cgroup-layout.ts';
import { readOomKills, readUsage } from '../../src/runtimes/oci/cgroup-usage.ts';

describe('cgroup usage', () => {
  let root: string;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'berth-cgroup-'));
  });
  afterEach(() => rm(root, { recursive: true }));

  const put = async (path: string, text: string) => {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  };

  it('reads version 2', async () => {
    const layout: CgroupLayout = { version: 'v2', controllers: new Map(), unified: root };
    await put('box/memory.current', '5000\n');
    await put('box/memory.stat', 'anon 1000\ninactive_file 2000\n');
    await put('box/cpu.stat', 'usage_usec 77\nuser_usec 50\n');
    await put('box/pids.current', '3\n');
    await put('box/memory.events', 'low 0\noom 4\noom_kill 2\noom_group_kill 0\n');
    expect(await readUsage(layout, 'box')).toEqual({ memoryUsedBytes: 3000, cpuUsageUs: 77, processes: 3 });
    expect(await readOomKills(layout, 'box')).toBe(2);
  });

  it('reads version 1', async () => {
    const names = ['memory', 'cpuacct', 'pids'];
    const layout: CgroupLayout = {
      version: 'v1',
      controllers: new Map(names.map((name) => [name, join(root, name)])),
      unified: undefined,
    };
    await put('memory/box/memory.usage_in_bytes', '5000\n');
    await put('memory/box/memory.stat', 'inactive_file 1\ntotal_inactive_file 500\n');
    await put('memory/box/memory.oom_control', 'oom_kill_disable 0\nunder_oom 0\noom_kill 1\n');
    await put('cpuacct/box/cpuacct.usage', '9000\n');
    await put('pids/box/pids.current', '2\n');
    expect(await readUsage(layout, 'box')).toEqual({ memoryUsedBytes: 4500, cpuUsageUs: 9, processes: 2 });
    expect(await readOomKills(layout, 'box')).toBe(1);
  });

  it('knows nothing of a cgroup that is gone', async () => {
    const layout: CgroupLayout = { version: 'v2', controllers: new Map(), unified: root };
    expect(await readOomKills(layout, 'gone')).toBe(0);
    expect(await readUsage(layout, 'gone')).toEqual({ memoryUsedBytes: 0, cpuUsageUs: 0, processes: 0 });
  });
});
