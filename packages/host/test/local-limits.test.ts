import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LocalHost } from '../src/local/local-host.ts';
import { type Installation, makeInstallation, programs } from './local-harness.ts';
import { boxSpec } from './local-spec.ts';
import { patienceMs } from './patience.ts';

const MIB = 2 ** 20;

describe.skipIf(typeof programs === 'string')('limits of a real box', () => {
  let installation: Installation;
  let host: LocalHost;

  beforeAll(async () => {
    installation = await makeInstallation();
    host = await installation.open();
  });
  afterAll(async () => {
    await Promise.all((await host.list()).map(({ id }) => host.destroy(id)));
    await host.close();
    await installation.remove();
  });

  async function box(size: Partial<ReturnType<typeof boxSpec>['size']> = {}): Promise<string> {
    const spec = boxSpec();
    const state = await host.create({ ...spec, size: { ...spec.size, ...size } });
    expect(state).toMatchObject({ phase: 'running' });
    return spec.id;
  }

  async function run(boxId: string, command: string): Promise<string> {
    const spec = { executionId: `e${Math.random()}`, origin: 'exec', command: `(${command}) 2>&1` } as const;
    const view = await host.executeAndWait(boxId, spec, { timeoutMs: patienceMs(20_000), lastLines: 50 });
    expect(view.status).toBe('completed');
    return view.stdout.text;
  }

  it('show the size of the box', async () => {
    const boxId = await box({ cpus: 0.5, memoryBytes: 300 * MIB });
    expect(await run(boxId, 'nproc')).toBe('1\n');
    expect(await run(boxId, "awk '/MemTotal|SwapTotal/ {print $2}' /proc/meminfo")).toBe(`${300 * 1024}\n0\n`);
  });

  it('stand in the cgroup that the box sees as its own, and cannot change', async () => {
    const boxId = await box({ cpus: 0.5, memoryBytes: 300 * MIB, processes: 40 });
    const either = (v2: string, v1: string) => run(boxId, `cd /sys/fs/cgroup && cat ${v2} 2>/dev/null || cat ${v1}`);
    expect(await either('cpu.max', 'cpu/cpu.cfs_quota_us cpu/cpu.cfs_period_us')).toMatch(/^50000\s100000\n$/);
    expect(await either('memory.max', 'memory/memory.limit_in_bytes')).toBe(`${300 * MIB}\n`);
    expect(await either('pids.max', 'pids/pids.max')).toBe('40\n');
    expect(await either('cpuset.cpus', 'cpuset/cpuset.cpus')).toMatch(/^\d+\n$/);
    expect(await run(boxId, "sed 's/.*://' /proc/self/cgroup | sort -u")).toBe('/\n');
    const raise = 'cd /sys/fs/cgroup; for f in pids.max pids/pids.max; do [ ! -e $f ] || echo max > $f; done';
    expect(await run(boxId, `sudo sh -c '${raise}'`)).toMatch(/Read-only file system/);
    expect(await run(boxId, "sudo sh -c 'mkdir /sys/fs/cgroup/more /sys/fs/cgroup/pids/more'")).toMatch(
      /Read-only|No such/,
    );
    expect(await host.metrics(boxId)).toMatchObject({ processes: expect.toSatisfy((count: number) => count > 0) });
  });

  it('hold the disk, and leave the box usable', async () => {
    const boxId = await box({ diskBytes: 64 * MIB });
    expect(await run(boxId, 'dd if=/dev/zero of=big bs=1M count=200')).toMatch(/quota exceeded|No space/i);
    expect(await run(boxId, 'rm big && echo usable')).toBe('usable\n');
  });

  it('hold the number of processes', async () => {
    const boxId = await box({ processes: 32 });
    const output = await run(boxId, 'for i in $(seq 60); do sleep 5 & done; true');
    expect(output).toMatch(/Resource temporarily unavailable/);
    expect(await host.inspect(boxId)).toMatchObject({ phase: 'running' });
  });

  it('kill what takes too much memory, not the box', async () => {
    const boxId = await box({ memoryBytes: 128 * MIB });
    const command = 'exec perl -e \'$x = "a" x (512 * 1024 * 1024)\'';
    const view = await host.executeAndWait(
      boxId,
      { executionId: 'hog', origin: 'exec', command },
      { timeoutMs: patienceMs(20_000), lastLines: 1 },
    );
    expect(view.end).toEqual({ kind: 'killed', signal: 9, by: 'out_of_memory' });
    expect(await run(boxId, 'echo usable')).toBe('usable\n');
  });

  it('give root inside nothing outside', async () => {
    const boxId = await box();
    expect(await run(boxId, "awk '{print $1, $3, ($2 >= 1000000)}' /proc/self/uid_map")).toBe('0 65536 1\n');
    const asRoot = (command: string) => run(boxId, `sudo sh -c '${command}'`);
    expect(await asRoot('id -u')).toBe('0\n');
    expect(await asRoot('mount -t tmpfs none /mnt && echo mounted')).toMatch(/denied|not permitted/);
    expect(await asRoot('echo 1 > /proc/sys/kernel/panic && echo written')).toMatch(/Read-only|denied/);
    expect(await asRoot('mknod /tmp/disk b 8 0 && echo made')).toMatch(/not permitted/);
    expect(await asRoot('echo x > /.berth/run/x && echo written')).toMatch(/Read-only|denied/);
    expect(await asRoot('ls /sys/class')).toMatch(/No such file/);
  });

  it('let root inside do what a machine of its own would', async () => {
    const boxId = await box();
    const asRoot = (command: string) => run(boxId, `sudo sh -c '${command}'`);
    expect(await asRoot('useradd -m other && su other -c "id -un"')).toBe('other\n');
    expect(await asRoot('chown other /tmp && stat -c %U /tmp')).toBe('other\n');
    expect(
      await run(
        boxId,
        `perl -MIO::Socket::INET -e 'print IO::Socket::INET->new(LocalPort => 80, Listen => 1) ? 1 : $!'`,
      ),
    ).toBe('1');
  });
});
