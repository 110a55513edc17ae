import { existsSync, readdirSync } from 'node:fs';
import { open, readFile, rm, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { BoxSpec, ExecutionSpec } from '../src/contract/index.ts';
import type { LocalHost } from '../src/local/local-host.ts';
import { controllerDirectory, detectCgroups } from '../src/runtimes/oci/cgroup-layout.ts';
import { endEverything } from './end-everything.ts';
import { grades, type Installation, killInit, makeInstallation } from './local-harness.ts';
import { boxSpec } from './local-spec.ts';
import { patienceMs } from './patience.ts';

const MEMORY = { memory: true };
const DISK = { memory: false };
const WAIT = { until: ['completed'], timeoutMs: 60_000, lastLines: 100 } as const;

describe.each(grades.filter(({ grade }) => grade === 'gvisor'))('memory of real boxes ($grade)', ({ change }) => {
  let installation: Installation;
  let host: LocalHost;
  let count = 0;

  beforeAll(async () => {
    installation = await makeInstallation(change);
    host = await installation.open();
  });
  afterEach(async () => {
    await endEverything(host);
    expect(readdirSync(volume('memory'))).toEqual([]);
  });
  afterAll(async () => {
    await host.close();
    await installation.remove();
  });

  const volume = (...path: string[]) => join(installation.configuration.stateDirectory, 'volume', ...path);

  async function box(wish: Partial<BoxSpec> = {}): Promise<BoxSpec> {
    const spec = boxSpec(wish);
    expect(await host.create(spec)).toMatchObject({ phase: 'running' });
    return spec;
  }

  const begin = async ({ id }: BoxSpec, command: string, more: Partial<ExecutionSpec> = {}): Promise<string> => {
    const executionId = `e${++count}`;
    await host.execute(id, { executionId, origin: 'exec', command, ...more });
    return executionId;
  };

  /** Output of a command that must succeed. */
  async function run(spec: BoxSpec, command: string, more: Partial<ExecutionSpec> = {}): Promise<string> {
    const view = await host.waitExecution(spec.id, await begin(spec, command, more), WAIT);
    expect(view, `${command}: ${view.stderr.text}`).toMatchObject({ end: { kind: 'exited', code: 0 } });
    return view.stdout.text;
  }

  const printed = ({ id }: BoxSpec, executionId: string, text: string) =>
    expect
      .poll(async () => (await host.execution(id, executionId, 100)).stdout.text, { timeout: 20_000 })
      .toContain(text);

  /** A command that has printed `up` and waits for a line on its stdin. */
  async function waiting(spec: BoxSpec, command: string): Promise<string> {
    const executionId = await begin(spec, command, { attachStdin: true });
    await printed(spec, executionId, 'up\n');
    return executionId;
  }

  async function finish(spec: BoxSpec, executionId: string): Promise<string> {
    await host.stdin(spec.id, executionId, Buffer.from('on\n'), true);
    const view = await host.waitExecution(spec.id, executionId, WAIT);
    expect(view, view.stderr.text).toMatchObject({ end: { kind: 'exited', code: 0 } });
    return view.stdout.text;
  }

  async function sleepAndWake(spec: BoxSpec): Promise<void> {
    expect(await host.suspend(spec.id, MEMORY)).toMatchObject({ phase: 'suspended', hasMemory: true });
    expect(await host.resume(spec, MEMORY)).toMatchObject({ phase: 'running' });
  }

  async function restart(): Promise<void> {
    await host.close();
    host = await installation.open();
  }

  it('goes on with the whole output of what is being printed', async () => {
    const spec = await box();
    const printing = await begin(spec, 'for i in $(seq 30000); do echo "line $i of many"; done');
    await printed(spec, printing, 'line');
    const seen = host.waitExecution(spec.id, printing, WAIT);
    await sleepAndWake(spec);
    const { stdoutBytes, end } = await seen;
    const whole = Array.from({ length: 30_000 }, (_, index) => `line ${index + 1} of many\n`).join('');
    expect(end).toEqual({ kind: 'exited', code: 0 });
    expect(stdoutBytes).toBe(whole.length);
    const parts: Uint8Array[] = [];
    for await (const { bytes } of host.output(spec.id, printing, 'stdout', 0)) {
      parts.push(bytes);
    }
    expect(Buffer.concat(parts).toString()).toBe(whole);
  });

  it.each([
    ['open files', 'exec 3>>/tmp/log; echo a >&3; echo up; read x; echo b >&3; cat /tmp/log', 'a\nb\n'],
    [
      'files that are open and removed',
      'exec 3<>/tmp/gone; rm /tmp/gone; echo a >&3; echo up; read x; cat /proc/self/fd/3',
      'a\n',
    ],
    ['pipes', '(echo up; read x; echo through) | cat', 'through\n'],
    ['what root does', "sudo sh -c 'echo up; read x; id -u'", '0\n'],
    [
      'connections inside the box',
      "python3 -c \"import socket; s = socket.create_server(('127.0.0.1', 7000)); c = socket.create_connection(('127.0.0.1', 7000)); d, _ = s.accept(); print('up', flush=True); input(); c.send(b'x'); print(d.recv(1))\"",
      "b'x'\n",
    ],
  ])('keeps %s', async (_what, command, expected) => {
    const spec = await box();
    const execution = await waiting(spec, command);
    await sleepAndWake(spec);
    expect(await finish(spec, execution)).toBe(`up\n${expected}`);
  });

  it('keeps named shells and what listens, and gives the box another address and the present time', async () => {
    const spec = await box({ hostname: 'before' });
    await begin(spec, 'cd /tmp && python3 -m http.server 8099');
    await run(spec, 'export KEPT=yes; cd /var', { shellName: 'main' });
    await run(spec, 'echo served > /tmp/page; until curl -sf http://127.0.0.1:8099/page; do sleep 0.1; done');
    const before = await host.inspect(spec.id);
    await host.suspend(spec.id, MEMORY);
    const renamed = { ...spec, hostname: 'after', environment: { TOKEN: 'new' } };
    const after = await host.resume(renamed, MEMORY);
    expect(after.ipv4).not.toBe(before?.ipv4);
    expect(await run(spec, 'echo $KEPT; pwd', { shellName: 'main' })).toBe('yes\n/var\n');
    expect(await run(spec, 'curl -sf http://127.0.0.1:8099/page')).toBe('served\n');
    expect(await run(spec, 'hostname; cat /etc/hostname; echo $TOKEN')).toBe('after\nafter\nnew\n');
    expect(await run(spec, "ip -4 -o addr show dev eth0 | awk '{print $4}'")).toBe(`${after.ipv4}/31\n`);
    expect(Math.abs(Number(await run(spec, 'date +%s')) - Date.now() / 1000)).toBeLessThan(30);
  });

  it('needs no process and no memory of the machine meanwhile, and outlives the host', async () => {
    const spec = await box();
    const execution = await waiting(spec, 'echo up; read x; echo done');
    await host.suspend(spec.id, MEMORY);
    await expect
      .poll(async () => (await host.describe()).leaks, { timeout: patienceMs(10_000) })
      .toMatchObject({ processes: 0, cgroups: 0, runtimeStates: 0, links: 0 });
    await restart();
    expect(await host.inspect(spec.id)).toMatchObject({ phase: 'suspended', hasMemory: true });
    expect(await host.execution(spec.id, execution, 1)).toMatchObject({ status: 'running' });
    expect(await host.resume(spec, MEMORY)).toMatchObject({ phase: 'running' });
    expect(await finish(spec, execution)).toBe('up\ndone\n');
  });

  it('goes on with the cores and the processor time of its size, after a resume, a snapshot and in a fork', async () => {
    const spec = await box({ size: { cpus: 1, memoryBytes: 512 * 2 ** 20, diskBytes: 2 ** 30, processes: 256 } });
    const cores = async ({ id }: BoxSpec) => {
      const [status, groups] = await Promise.all(
        ['status', 'cgroup'].map((name) => readFile(`/proc/${host.initPid(id)}/${name}`, 'utf8')),
      );
      const path =
        /^\d+:(?:.*,)?cpu(?:,.*)?:(.*)$/m.exec(groups ?? '')?.[1] ?? /^0::(.*)$/m.exec(groups ?? '')?.[1] ?? '';
      const layout = await detectCgroups();
      const directory = controllerDirectory(layout, 'cpu', path) ?? '';
      const file = layout.version === 'v2' ? 'cpu.max' : 'cpu.cfs_quota_us';
      const quota = await readFile(join(directory, file), 'utf8');
      return `${/Cpus_allowed_list:\s*(.*)/.exec(status ?? '')?.[1]} ${quota.split(/\s/)[0]}`;
    };
    const bounded = /^\d+ 100000$/;
    expect(await cores(spec)).toMatch(bounded);
    await sleepAndWake(spec);
    expect(await cores(spec)).toMatch(bounded);
    expect(await run(spec, 'nproc')).toBe('1\n');
    const { id: snapshotId } = await host.snapshot(spec.id, 'snp-cores', MEMORY);
    expect(await cores(spec)).toMatch(bounded);
    const fork = await box({ size: spec.size, image: { snapshotId, memory: true } });
    expect(await cores(fork)).toMatch(bounded);
    expect(await run(fork, 'nproc')).toBe('1\n');
  });

  it('can be kept again and again', async () => {
    const spec = await box();
    const execution = await waiting(spec, 'echo up; read x; echo done');
    for (let round = 0; round < 3; round += 1) {
      await sleepAndWake(spec);
      expect(await run(spec, `echo ${round}`)).toBe(`${round}\n`);
    }
    expect(await finish(spec, execution)).toBe('up\ndone\n');
  });

  it('of a box that has hardly any left is kept, too', { timeout: patienceMs(60_000) }, async () => {
    const spec = await box({ size: { ...boxSpec().size, memoryBytes: 512 * 2 ** 20 } });
    const hold =
      'import os; x = [os.urandom(1 << 20) for _ in range(450)]; print("up", flush=True); input(); print(len(x))';
    const execution = await waiting(spec, `python3 -c '${hold}'`);
    for (let round = 0; round < 4; round += 1) {
      await sleepAndWake(spec);
    }
    expect(await finish(spec, execution)).toBe('up\n450\n');
  });

  it.each([
    ['is cut off', (image: string) => truncate(join(image, 'pages.img'), 4_096)],
    ['is not what was written', (image: string) => scribble(join(image, 'checkpoint.img'))],
    ['is missing', (image: string) => rm(image, { recursive: true })],
  ])('is refused when its image %s; the disk is kept, and the box starts from it', async (_what, spoil) => {
    const spec = await box();
    await run(spec, 'echo kept > notes');
    const execution = await waiting(spec, 'echo up; read x');
    await host.suspend(spec.id, MEMORY);
    await spoil(volume('memory', `box-${spec.id}`));
    await expect(host.resume(spec, MEMORY)).rejects.toMatchObject({ code: 'checkpointUnusable' });
    expect(await host.inspect(spec.id)).toMatchObject({ phase: 'suspended' });
    expect(await host.resume(spec, DISK)).toMatchObject({ phase: 'running' });
    expect(await run(spec, 'cat notes')).toBe('kept\n');
    expect(await host.execution(spec.id, execution, 1)).toMatchObject({ end: { kind: 'lost' } });
  });

  it('is not kept when the box dies in the middle: the disk is, and the state says why', async () => {
    const spec = await box();
    await run(spec, 'echo kept > notes');
    const execution = await waiting(spec, 'echo up; read x');
    const suspended = host.suspend(spec.id, MEMORY);
    killInit(host, spec.id);
    expect(await suspended).toMatchObject({
      phase: 'suspended',
      hasMemory: false,
      cause: 'guest_exited',
      detail: expect.stringContaining('killed by signal 9'),
    });
    expect(await host.execution(spec.id, execution, 1)).toMatchObject({ end: { kind: 'lost' } });
    expect(await host.resume(spec, DISK)).toMatchObject({ phase: 'running' });
    expect(await run(spec, 'cat notes')).toBe('kept\n');
  });

  it('forks into many, each with its own name, address, randomness and disk, while the source goes on', {
    timeout: patienceMs(60_000),
  }, async () => {
    const spec = await box({ hostname: 'source', environment: { TOKEN: 'old' } });
    await run(spec, 'echo ready > state; export IN_SHELL=shared', { shellName: 'main' });
    const counting = await begin(spec, 'exec 3>>/tmp/beats; while :; do echo beat >&3; sleep 0.1; done');
    const held = await waiting(spec, 'echo up; read x; echo done');
    const snapshot = await host.snapshot(spec.id, 'snp-forks', MEMORY);
    expect(snapshot).toMatchObject({ hasMemory: true, isolation: 'gvisor' });
    expect(snapshot.pausedMs).toBeGreaterThan(0);
    const image = { snapshotId: snapshot.id, memory: true } as const;
    const forks = await Promise.all(
      ['one', 'two', 'three'].map((hostname) => box({ image, hostname, environment: { TOKEN: hostname } })),
    );
    const present = (await host.list()).filter(({ phase }) => phase === 'running');
    const addresses = present.map(({ ipv4 }) => ipv4);
    expect(new Set(addresses).size).toBe(4);
    const random = await Promise.all(forks.map((fork) => run(fork, 'head -c 16 /dev/urandom | od -An -tx1')));
    expect(new Set(random).size).toBe(3);
    for (const fork of forks) {
      expect(await run(fork, 'hostname; cat /etc/hostname; echo $TOKEN')).toBe(
        `${fork.hostname}\n${fork.hostname}\n${fork.hostname}\n`,
      );
      expect(await run(fork, 'echo $IN_SHELL; cat state', { shellName: 'main' })).toBe('shared\nready\n');
      const beats = 'wc -l < /tmp/beats';
      const before = Number(await run(fork, beats));
      await expect.poll(async () => Number(await run(fork, beats)), { timeout: 10_000 }).toBeGreaterThan(before);
      await run(fork, `echo ${fork.hostname} > state`);
      for (const executionId of [counting, held]) {
        expect(await host.execution(fork.id, executionId, 1)).toMatchObject({
          end: { kind: 'lost', reason: expect.stringMatching(/forked/) },
        });
      }
      expect(await run(fork, 'cat state')).toBe(`${fork.hostname}\n`);
    }
    expect(await run(spec, 'cat state')).toBe('ready\n');
    expect(await finish(spec, held)).toBe('up\ndone\n');
    expect(await host.execution(spec.id, counting, 1)).toMatchObject({ status: 'running' });
  });

  it('of a snapshot outlives its box and the host, and a fork can be forked and sleep', async () => {
    const spec = await box();
    await run(spec, 'export GENERATION=1', { shellName: 'main' });
    await host.snapshot(spec.id, 'snp-first', MEMORY);
    await host.destroy(spec.id);
    await restart();
    const second = await box({ image: { snapshotId: 'snp-first', memory: true } });
    expect(await run(second, 'echo $GENERATION; GENERATION=2; echo two > notes', { shellName: 'main' })).toBe('1\n');
    await sleepAndWake(second);
    await host.snapshot(second.id, 'snp-second', MEMORY);
    await host.deleteSnapshot('snp-first');
    const third = await box({ image: { snapshotId: 'snp-second', memory: true } });
    expect(await run(third, 'echo $GENERATION; cat notes', { shellName: 'main' })).toBe('2\ntwo\n');
    const cold = await box({ image: { snapshotId: 'snp-second', memory: false } });
    expect(await run(cold, 'cat notes; echo "[$GENERATION]"', { shellName: 'main' })).toBe('two\n[]\n');
  });

  it('goes on only under the grade that it was taken of; its disk under any', async () => {
    const spec = await box();
    await run(spec, 'echo from gvisor > notes; sudo touch /etc/by-root');
    await host.snapshot(spec.id, 'snp-grades', MEMORY);
    const wish = boxSpec({ isolation: 'container', image: { snapshotId: 'snp-grades', memory: true } });
    await expect(host.create(wish)).rejects.toMatchObject({ code: 'memoryUnsupported' });
    const container = await box({ isolation: 'container', image: { snapshotId: 'snp-grades', memory: false } });
    expect(await run(container, 'cat notes; stat -c %U notes /etc/by-root')).toBe('from gvisor\nuser\nroot\n');
    await host.snapshot(container.id, 'snp-back', DISK);
    const back = await box({ isolation: 'gvisor', image: { snapshotId: 'snp-back', memory: false } });
    expect(await run(back, 'cat notes; stat -c %U notes /etc/by-root; uname -r')).toMatch(
      /^from gvisor\nuser\nroot\n.*gvisor/,
    );
  });

  it('is not made of a snapshot whose image is gone', async () => {
    const spec = await box();
    await host.snapshot(spec.id, 'snp-broken', MEMORY);
    await rm(volume('memory', 'snapshot-snp-broken'), { recursive: true });
    const wish = boxSpec({ image: { snapshotId: 'snp-broken', memory: true } });
    await expect(host.create(wish)).rejects.toMatchObject({ code: 'checkpointUnusable' });
    expect(await host.inspect(wish.id)).toBeUndefined();
    expect(existsSync(volume('boxes', wish.id))).toBe(false);
    await box({ image: { snapshotId: 'snp-broken', memory: false } });
  });
});

describe.each(grades.filter(({ grade }) => grade === 'gvisor'))('memory and a full disk ($grade)', ({ change }) => {
  it('is not kept, and the box runs on', async () => {
    const installation = await makeInstallation({ ...change, volumeBytes: 300 * 2 ** 20 });
    const host = await installation.open();
    try {
      const spec = boxSpec({ size: { cpus: 1, memoryBytes: 400 * 2 ** 20, diskBytes: 2 ** 30, processes: 64 } });
      await host.create(spec);
      const hold = `python3 -c "import os; x = os.urandom(200 << 20); print('up', flush=True); input(); print(len(x))"`;
      await host.execute(spec.id, { executionId: 'hold', origin: 'exec', command: hold, attachStdin: true });
      const text = async () => (await host.execution(spec.id, 'hold', 5)).stdout.text;
      await expect.poll(text, { timeout: 30_000 }).toBe('up\n');
      const fill = { executionId: 'fill', origin: 'exec', command: 'head -c 120M /dev/urandom > fill; sync' } as const;
      await host.executeAndWait(spec.id, fill, { timeoutMs: 60_000, lastLines: 1 });
      await expect(host.suspend(spec.id, MEMORY)).rejects.toMatchObject({ code: 'noSpace' });
      await expect(host.snapshot(spec.id, 'snp-full', MEMORY)).rejects.toMatchObject({ code: 'noSpace' });
      expect(await host.inspect(spec.id)).toMatchObject({ phase: 'running' });
      await host.stdin(spec.id, 'hold', Buffer.from('\n'), true);
      expect(await host.waitExecution(spec.id, 'hold', WAIT)).toMatchObject({ end: { kind: 'exited', code: 0 } });
      expect(await host.snapshots()).toEqual([]);
      await host.destroy(spec.id);
      expect((await host.describe()).leaks).toMatchObject({ memoryImages: 0, subvolumes: 0, snapshots: 0 });
    } finally {
      await Promise.all((await host.list()).map(({ id }) => host.destroy(id)));
      await host.close();
      await installation.remove();
    }
  }, 180_000);
});

/** Other bytes in the middle of the file. */
async function scribble(path: string): Promise<void> {
  const file = await open(path, 'r+');
  await file.write(Buffer.alloc(64, 0xa5), 0, 64, 20_000);
  await file.close();
}
