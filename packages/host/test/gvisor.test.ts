import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { LocalHost } from '../src/local/local-host.ts';
import { grades, type Installation, makeInstallation } from './local-harness.ts';
import { boxSpec } from './local-spec.ts';
import { patienceMs } from './patience.ts';

const MIB = 2 ** 20;

describe.each(grades.filter(({ grade }) => grade === 'gvisor'))('a real box under gVisor', ({ change }) => {
  let installation: Installation;
  let host: LocalHost;

  beforeAll(async () => {
    installation = await makeInstallation(change);
    host = await installation.open();
  });
  afterEach(async () => {
    await Promise.all((await host.list()).map(({ id }) => host.destroy(id)));
    const leaks = async () => Object.entries((await host.describe()).leaks).filter(([, count]) => count !== 0);
    await expect.poll(leaks, { timeout: patienceMs(10_000) }).toEqual([]);
  });
  afterAll(async () => {
    await host.close();
    await installation.remove();
  });

  async function box(size: Partial<ReturnType<typeof boxSpec>['size']> = {}): Promise<string> {
    const spec = boxSpec();
    expect(await host.create({ ...spec, size: { ...spec.size, ...size } })).toMatchObject({ phase: 'running' });
    return spec.id;
  }

  async function run(boxId: string, command: string): Promise<string> {
    const spec = { executionId: `e${Math.random()}`, origin: 'exec', command: `(${command}) 2>&1` } as const;
    const view = await host.executeAndWait(boxId, spec, { timeoutMs: patienceMs(20_000), lastLines: 50 });
    expect(view.status).toBe('completed');
    return view.stdout.text;
  }

  const stopped = (boxId: string) => expect.poll(() => host.inspect(boxId), { timeout: patienceMs(10_000) });

  /** Process ids of sandbox and gofer. */
  async function processes(boxId: string): Promise<{ sandbox: number; gofer: number }> {
    const file = `${installation.configuration.stateDirectory}/run/runsc/${boxId}/${boxId}_sandbox:${boxId}.state`;
    return { sandbox: host.initPid(boxId) ?? 0, gofer: JSON.parse(await readFile(file, 'utf8')).goferPid };
  }

  it('lets its guest set the host name, and nobody else', async () => {
    const boxId = await box();
    const admin = 1n << 21n;
    const sets = "awk '/^Cap(Prm|Eff|Bnd|Inh|Amb)/ {print $2}'";
    const words = async (command: string) => (await run(boxId, command)).trim().split('\n');
    const ofGuest = await words(`${sets} /proc/1/status`);
    expect(ofGuest.some((set) => (BigInt(`0x${set}`) & admin) !== 0n)).toBe(true);
    for (const command of [`${sets} /proc/self/status`, `sudo ${sets} /proc/self/status`]) {
      const all = await words(command);
      expect(all).toHaveLength(5);
      expect(all.filter((set) => (BigInt(`0x${set}`) & admin) !== 0n)).toEqual([]);
    }
    expect(await run(boxId, 'sudo hostname other; sudo mount -t tmpfs none /mnt; hostname')).toMatch(
      /must be root[\s\S]*(permission denied|not permitted)[\s\S]*devbox\n$/,
    );
  });

  it('has a kernel of its own, and shows the size of the box', async () => {
    const boxId = await box({ cpus: 0.5, memoryBytes: 300 * MIB });
    expect(await run(boxId, 'uname -r')).toMatch(/gvisor/);
    expect(await run(boxId, 'nproc')).toBe('1\n');
    expect(await run(boxId, "awk '/MemTotal|SwapTotal/ {print $2}' /proc/meminfo")).toBe(`${300 * 1024}\n0\n`);
    expect(await run(boxId, "free -m | awk '/Mem/ {print $2}'")).toBe('300\n');
  });

  it('has the identity that it was given', async () => {
    const spec = boxSpec({ hostname: 'a-name', environment: { GREETING: 'hello' } });
    const { ipv4 } = await host.create(spec);
    expect(await run(spec.id, 'hostname; echo $GREETING; id -un')).toBe('a-name\nhello\nuser\n');
    expect(await run(spec.id, "ip -4 -o addr show dev eth0 | awk '{print $4}'")).toBe(`${ipv4}/31\n`);
  });

  it('keeps what it writes on its disk, /tmp too, with the owners that a container has', async () => {
    const boxId = await box();
    await run(boxId, 'echo one > /tmp/mine; sudo sh -c "echo two > /root/his"');
    const upper = `${installation.configuration.stateDirectory}/volume/boxes/${boxId}/upper`;
    const { sandbox } = await processes(boxId);
    const base = Number((await readFile(`/proc/${sandbox}/uid_map`, 'utf8')).trim().split(/\s+/)[1]);
    expect(base).toBeGreaterThanOrEqual(1_000_000);
    expect((await stat(`${upper}/tmp/mine`)).uid).toBe(base + 1_000);
    expect((await stat(`${upper}/root/his`)).uid).toBe(base);
    expect(await readFile(`${upper}/tmp/mine`, 'utf8')).toBe('one\n');
  });

  it('holds the disk, and stays usable', async () => {
    const boxId = await box({ diskBytes: 64 * MIB });
    expect(await run(boxId, 'dd if=/dev/zero of=big bs=1M count=200')).toMatch(/quota exceeded|No space/i);
    expect(await run(boxId, 'rm big && echo usable')).toBe('usable\n');
  });

  it('holds the number of processes, for root too', async () => {
    const boxId = await box({ processes: 32 });
    // Long enough for the first to be there still when the last is started.
    const many = `for i in $(seq 60); do sleep ${patienceMs(2)} & done; true`;
    expect(await run(boxId, many)).toMatch(/Resource temporarily unavailable/);
    expect(await run(boxId, `sudo bash -c '${many}'`)).toMatch(/Resource temporarily unavailable/);
    expect(await host.inspect(boxId)).toMatchObject({ phase: 'running' });
  });

  it('ends with its memory: the box as a whole, and the cause is told', async () => {
    const boxId = await box({ memoryBytes: 128 * MIB });
    const command = 'exec perl -e \'$x = "a" x (512 * 1024 * 1024)\'';
    const hog = { executionId: 'hog', origin: 'exec', command } as const;
    await host.executeAndWait(boxId, hog, { timeoutMs: patienceMs(20_000), lastLines: 1 });
    await stopped(boxId).toMatchObject({ phase: 'stopped', cause: 'out_of_memory' });
    expect(await host.execution(boxId, 'hog', 1)).toMatchObject({ end: { kind: 'lost' } });
  });

  it('lets root inside do what a machine of its own would, and no more', async () => {
    const boxId = await box();
    const asRoot = (command: string) => run(boxId, `sudo sh -c '${command}'`);
    expect(await asRoot('useradd -m other && su other -c "id -un"')).toBe('other\n');
    expect(await asRoot('chown other /tmp && stat -c %U /tmp')).toBe('other\n');
    const listen = `perl -MIO::Socket::INET -e 'print IO::Socket::INET->new(LocalPort => 80, Listen => 1) ? 1 : $!'`;
    expect(await run(boxId, listen)).toBe('1');
    expect(await asRoot('mount -t tmpfs none /mnt && echo mounted')).toMatch(/denied|not permitted/);
    expect(await asRoot('echo 1 > /proc/sys/kernel/panic && echo written')).toMatch(/not permitted|denied/);
    expect(await asRoot('mknod /tmp/disk b 8 0 && echo made')).toMatch(/not permitted/);
    expect(await asRoot('echo x > /.berth/run/x && echo written')).toMatch(/Read-only|denied/);
  });

  it.each(['sandbox', 'gofer'] as const)(
    'fails with its cause when its %s is killed, and leaves nothing',
    async (name) => {
      const boxId = await box();
      await host.execute(boxId, { executionId: 'e', origin: 'exec', command: 'sleep 60' });
      const pids = await processes(boxId);
      process.kill(pids[name], 'SIGKILL');
      await stopped(boxId).toMatchObject({ phase: 'stopped', detail: expect.stringMatching(/signal 9/) });
      expect(await host.execution(boxId, 'e', 1)).toMatchObject({ end: { kind: 'lost' } });
      await host.destroy(boxId);
      for (const pid of Object.values(pids)) {
        expect(() => process.kill(pid, 0)).toThrow(/ESRCH/);
      }
    },
  );

  it('fails when its gofer was killed while no host watched', async () => {
    const boxId = await box();
    const { gofer } = await processes(boxId);
    await host.close();
    process.kill(gofer, 'SIGKILL');
    host = await installation.open();
    await stopped(boxId).toMatchObject({
      phase: 'stopped',
      cause: expect.stringMatching(/^(runtime_failed|guest_exited)$/),
    });
  });

  it.each(['sandbox', 'gofer'] as const)(
    'sleeps and says that writes may be lost when its %s dies before they are on its disk',
    async (name) => {
      const spec = boxSpec({ isolation: 'gvisor' });
      await host.create(spec);
      await run(spec.id, 'echo kept > notes; sync');
      const pids = await processes(spec.id);
      const suspended = host.suspend(spec.id, { memory: false });
      // Nothing that the guest says can have arrived yet.
      process.kill(pids[name], 'SIGKILL');
      expect(await suspended).toMatchObject({
        phase: 'suspended',
        hasMemory: false,
        cause: expect.stringMatching(/^(runtime_failed|guest_exited)$/),
        detail: expect.stringMatching(/(signal 9|nobody saw how).* may be lost/),
      });
      const resumed = await host.resume(spec, { memory: false });
      expect(resumed).toMatchObject({ phase: 'running' });
      expect(resumed).not.toHaveProperty('cause');
      expect(await run(spec.id, 'cat notes')).toBe('kept\n');
      const again = await host.suspend(spec.id, { memory: false });
      expect(again).toMatchObject({ phase: 'suspended' });
      expect(again).not.toHaveProperty('cause');
    },
  );

  it('lets a stronger and a weaker grade stand side by side', async () => {
    const container = boxSpec({ isolation: 'container' });
    const sandbox = boxSpec({ isolation: 'gvisor' });
    expect(await host.create(container)).toMatchObject({ phase: 'running', isolation: 'container' });
    expect(await host.create(sandbox)).toMatchObject({ phase: 'running', isolation: 'gvisor' });
    expect(await run(container.id, 'uname -r')).not.toBe(await run(sandbox.id, 'uname -r'));
  });
});

describe.skipIf(grades.length === 0)('a machine without runsc', () => {
  it.each([
    [{ runscMissing: 'it could not be built' }, /it could not be built/],
    [{ runsc: '/nonexistent/runsc' }, /does not run/],
    [{ runsc: '/bin/true' }, /self-test failed/],
  ])('refuses gvisor with the reason, and auto means container: %o', async (change, reason) => {
    const installation = await makeInstallation(change);
    const host = await installation.open();
    try {
      const gvisor = (await host.describe()).isolations.find(({ isolation }) => isolation === 'gvisor');
      expect(gvisor).toMatchObject({ usable: false, reason: expect.stringMatching(reason) });
      const spec = boxSpec({ isolation: 'gvisor' });
      await expect(host.create(spec)).rejects.toMatchObject({
        code: 'isolationUnavailable',
        message: expect.stringMatching(reason),
      });
      expect(await host.inspect(spec.id)).toBeUndefined();
      expect(await host.create(boxSpec({ isolation: 'auto' }))).toMatchObject({ isolation: 'container' });
    } finally {
      await Promise.all((await host.list()).map(({ id }) => host.destroy(id)));
      await host.close();
      await installation.remove();
    }
  });
});

describe.each(grades.filter(({ grade }) => grade === 'gvisor'))('a runsc that restores nothing', ({ change }) => {
  it('gives boxes, and keeps no memory, with the reason', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'berth-runsc-'));
    const runsc = join(directory, 'runsc');
    const script = `for word; do [ "$word" != restore ] || { echo 'no restore here' >&2; exit 1; }; done`;
    await writeFile(runsc, `#!/bin/sh\n${script}\nexec ${change.runsc} "$@"\n`, { mode: 0o755 });
    const installation = await makeInstallation({ runsc });
    const host = await installation.open();
    try {
      const reason = expect.stringMatching(/restore/);
      expect((await host.describe()).isolations).toContainEqual({
        isolation: 'gvisor',
        usable: true,
        memory: { usable: false, reason },
      });
      const spec = boxSpec({ isolation: 'gvisor' });
      expect(await host.create(spec)).toMatchObject({ phase: 'running' });
      await expect(host.suspend(spec.id, { memory: true })).rejects.toMatchObject({
        code: 'memoryUnsupported',
        message: reason,
      });
      expect(await host.suspend(spec.id, { memory: false })).toMatchObject({ phase: 'suspended' });
    } finally {
      await Promise.all((await host.list()).map(({ id }) => host.destroy(id)));
      await host.close();
      await installation.remove();
      await rm(directory, { recursive: true });
    }
  });
});
