import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { BoxSpec } from '../src/contract/index.ts';
import type { LocalHost } from '../src/local/local-host.ts';
import { endEverything } from './end-everything.ts';
import { grades, type Installation, makeInstallation, runsc } from './local-harness.ts';
import { boxSpec } from './local-spec.ts';
import { patienceMs } from './patience.ts';
import { troubledRunsc } from './troubled-runsc.ts';

const MEMORY = { memory: true };
const DISK = { memory: false };
const WAIT = { until: ['completed'], timeoutMs: patienceMs(20_000), lastLines: 10 } as const;

describe.each(grades.filter(({ grade }) => grade === 'gvisor'))('memory and a runsc in trouble ($grade)', () => {
  let installation: Installation;
  let host: LocalHost;
  let trouble: (verb: string, how: string, times?: number) => void;
  let count = 0;

  beforeAll(async () => {
    installation = await makeInstallation('path' in runsc ? { runsc: runsc.path } : {});
    const troubled = await troubledRunsc(installation.configuration);
    host = await installation.open({ runsc: troubled.path, runscCommandsOnly: true });
    trouble = (verb, how, times = 1) => writeFileSync(troubled.orderFile, `${verb} ${how} ${times}\n`);
  });
  afterEach(async () => {
    trouble('none', 'fail', 0);
    await endEverything(host);
  });
  afterAll(async () => {
    await host.close();
    await installation.remove();
  });

  async function run({ id }: BoxSpec, command: string): Promise<string> {
    const view = await host.executeAndWait(id, { executionId: `e${++count}`, origin: 'exec', command }, WAIT);
    expect(view, view.stderr.text).toMatchObject({ end: { kind: 'exited', code: 0 } });
    return view.stdout.text;
  }

  /** A box with a file, and with a command that waits for its stdin. */
  async function boxThatWaits(memoryBytes = 256 * 2 ** 20): Promise<BoxSpec> {
    const spec = boxSpec({ size: { cpus: 1, memoryBytes, diskBytes: 256 * 2 ** 20, processes: 128 } });
    expect(await host.create(spec)).toMatchObject({ phase: 'running' });
    await run(spec, 'echo kept > notes');
    const command = 'echo up; read x; echo "$x"';
    await host.execute(spec.id, { executionId: 'held', origin: 'exec', command, attachStdin: true });
    const stdout = async () => (await host.execution(spec.id, 'held', 1)).stdout.text;
    await expect.poll(stdout, { timeout: patienceMs(10_000) }).toBe('up\n');
    writeFileSync(join(installation.configuration.stateDirectory, 'trouble.pid'), String(host.initPid(spec.id)));
    return spec;
  }

  async function finish({ id }: BoxSpec): Promise<void> {
    await host.stdin(id, 'held', Buffer.from('whole\n'), true);
    expect(await host.waitExecution(id, 'held', WAIT)).toMatchObject({
      end: { kind: 'exited', code: 0 },
      stdout: { text: 'up\nwhole\n' },
    });
  }

  it.each([
    ['pause', 'fail'],
    ['pause', 'die'],
    ['pause', 'undone'],
    ['checkpoint', 'fail'],
    ['checkpoint', 'die'],
    ['checkpoint', 'undone'],
  ])(
    'a suspend and a snapshot whose %s has this happen to it (%s) are refused, and the box runs on',
    async (verb, how) => {
      const spec = await boxThatWaits();
      trouble(verb, how);
      await expect(host.suspend(spec.id, MEMORY)).rejects.toThrow(/could not be kept/);
      expect(await host.inspect(spec.id)).toMatchObject({ phase: 'running' });
      expect(await run(spec, 'cat notes')).toBe('kept\n');
      trouble(verb, how);
      await expect(host.snapshot(spec.id, 'snp-trouble', MEMORY)).rejects.toThrow(/could not be kept/);
      expect(await host.snapshots()).toEqual([]);
      expect(await host.suspend(spec.id, MEMORY)).toMatchObject({ hasMemory: true });
      expect(await host.resume(spec, MEMORY)).toMatchObject({ phase: 'running' });
      await finish(spec);
    },
  );

  it.each(['pause', 'checkpoint'])(
    'a box that dies at the %s of its suspend sleeps with its disk, and its state says why it has no memory',
    async (verb) => {
      const spec = await boxThatWaits();
      trouble(verb, 'bereft');
      await host.suspend(spec.id, MEMORY);
      expect(await host.inspect(spec.id)).toMatchObject({
        phase: 'suspended',
        hasMemory: false,
        cause: 'guest_exited',
        detail: expect.stringMatching(/ended|killed/),
      });
      expect(await host.execution(spec.id, 'held', 1)).toMatchObject({ end: { kind: 'lost' } });
      expect(await host.resume(spec, DISK)).toMatchObject({ phase: 'running' });
      expect(await run(spec, 'cat notes')).toBe('kept\n');
    },
  );

  it.each(['fail', 'die', 'undone'])(
    'a resume whose restore has this happen to it (%s) is refused, and the box goes on at the next',
    async (how) => {
      const spec = await boxThatWaits();
      await host.suspend(spec.id, MEMORY);
      trouble('restore', how);
      await expect(host.resume(spec, MEMORY)).rejects.toMatchObject({ code: 'checkpointUnusable' });
      expect(await host.inspect(spec.id)).toMatchObject({
        phase: 'suspended',
        hasMemory: true,
        cause: 'runtime_failed',
        detail: expect.any(String),
      });
      expect(await host.resume(spec, MEMORY)).toMatchObject({ phase: 'running' });
      expect(await host.inspect(spec.id)).not.toHaveProperty('cause');
      await finish(spec);
    },
  );

  it('a box that dies just after its restore sleeps as before, with the disk that its memory belongs to', async () => {
    const spec = await boxThatWaits();
    await host.suspend(spec.id, MEMORY);
    trouble('restore', 'bereft');
    const outcome = await host.resume(spec, MEMORY).catch((error: unknown) => error);
    expect(outcome).toSatisfy((what: unknown) => what instanceof Error || JSON.stringify(what).includes('suspended'));
    expect(await host.inspect(spec.id)).toMatchObject({ phase: 'suspended', hasMemory: true });
    expect(await host.resume(spec, MEMORY)).toMatchObject({ phase: 'running' });
    expect(await run(spec, 'cat notes')).toBe('kept\n');
    await finish(spec);
  });

  it('a source whose resume fails once after its snapshot runs on, and the snapshot is whole', async () => {
    const spec = await boxThatWaits();
    trouble('resume', 'die', 2);
    expect(await host.snapshot(spec.id, 'snp-late', MEMORY)).toMatchObject({ hasMemory: true });
    await finish(spec);
    const fork = boxSpec({ image: { snapshotId: 'snp-late', memory: true } });
    expect(await host.create(fork)).toMatchObject({ phase: 'running' });
  });

  it('a pause that is killed after it was done, and unknown to runsc, is taken back', { timeout: 60_000 }, async () => {
    const spec = await boxThatWaits();
    trouble('pause', 'silent');
    await expect(host.suspend(spec.id, MEMORY)).rejects.toThrow(/could not be kept/);
    expect(await run(spec, 'cat notes')).toBe('kept\n');
    expect(await host.suspend(spec.id, MEMORY)).toMatchObject({ hasMemory: true });
    expect(await host.resume(spec, MEMORY)).toMatchObject({ phase: 'running' });
    await finish(spec);
  });

  it('a resume that is killed after it was done, and unknown to runsc, is not done again', async () => {
    const spec = await boxThatWaits();
    trouble('resume', 'silent');
    expect(await host.snapshot(spec.id, 'snp-silent', DISK)).toMatchObject({ hasMemory: false });
    expect(await run(spec, 'cat notes')).toBe('kept\n');
    expect(await host.snapshot(spec.id, 'snp-after', MEMORY)).toMatchObject({ hasMemory: true });
    await finish(spec);
  });

  it('one fork whose restore fails says so, the others run', async () => {
    const spec = await boxThatWaits();
    await host.snapshot(spec.id, 'snp-many', MEMORY);
    trouble('restore', 'fail');
    const image = { snapshotId: 'snp-many', memory: true } as const;
    expect(await host.create(boxSpec({ image }))).toMatchObject({
      phase: 'stopped',
      cause: 'runtime_failed',
      detail: expect.any(String),
    });
    const states = await Promise.all([1, 2].map(() => host.create(boxSpec({ image }))));
    expect(states).toMatchObject([{ phase: 'running' }, { phase: 'running' }]);
    await finish(spec);
  });

  it.each(['pause', 'checkpoint'])(
    'a %s that hangs is given up, and the box runs on',
    { timeout: patienceMs(60_000) },
    async (verb) => {
      const spec = await boxThatWaits(64 * 2 ** 20);
      await host.close();
      const impatient = {
        runsc: join(installation.configuration.stateDirectory, 'troubled-runsc'),
        runscCommandsOnly: true,
        runtimeTimeoutMs: 2_000,
      };
      host = await installation.open(impatient);
      trouble(verb, 'hang');
      await expect(host.suspend(spec.id, MEMORY)).rejects.toThrow(/longer than/);
      await finish(spec);
      await host.close();
      host = await installation.open({ ...impatient, runtimeTimeoutMs: installation.configuration.runtimeTimeoutMs });
    },
  );

  it.each([
    ['pause', 'suspend'],
    ['checkpoint', 'suspend'],
    ['resume', 'snapshot'],
    ['restore', 'resume'],
  ] as const)('a box is destroyed although its %s hangs in a %s', async (verb, call) => {
    const spec = await boxThatWaits();
    if (call === 'resume') {
      await host.suspend(spec.id, MEMORY);
    }
    trouble(verb, 'hang', 1_000);
    const calls = {
      suspend: () => host.suspend(spec.id, MEMORY),
      snapshot: () => host.snapshot(spec.id, 'snp-hang', MEMORY),
      resume: () => host.resume(spec, MEMORY),
    };
    const outcome = calls[call]().catch((error: unknown) => error);
    await delay(1_000);
    await host.destroy(spec.id);
    expect(await host.inspect(spec.id)).toMatchObject({ phase: 'destroyed' });
    await outcome;
  });
});
