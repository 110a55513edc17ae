import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { BoxSpec } from '../src/contract/index.ts';
import type { LocalHost } from '../src/local/local-host.ts';
import { StatePaths } from '../src/local/state-paths.ts';
import { endEverything } from './end-everything.ts';
import { grades, type Installation, makeInstallation } from './local-harness.ts';
import { boxSpec } from './local-spec.ts';
import { patienceMs } from './patience.ts';
import { type Trouble, TroubledSandbox } from './troubled-sandbox.ts';

const MEMORY = { memory: true };
const DISK = { memory: false };
const WAIT = { until: ['completed'], timeoutMs: patienceMs(20_000), lastLines: 10 } as const;

/** What memory-trouble holds for the commands of runsc, for calls that the sandbox itself is to answer. */
describe.each(grades.filter(({ grade }) => grade === 'gvisor'))('memory and a sandbox in trouble ($grade)', (one) => {
  let installation: Installation;
  let host: LocalHost;
  let sandbox: TroubledSandbox | undefined;
  let count = 0;

  beforeAll(async () => {
    installation = await makeInstallation(one.change);
    host = await installation.open();
  });
  afterEach(async () => {
    await sandbox?.close();
    sandbox = undefined;
    await endEverything(host);
  });
  afterAll(async () => {
    await host.close();
    await installation.remove();
  });

  /** A box with a command that waits for its stdin, and trouble to come. */
  async function boxThatWaits(method: string, trouble: Trouble, times?: number): Promise<BoxSpec> {
    const spec = boxSpec();
    expect(await host.create(spec)).toMatchObject({ phase: 'running' });
    const command = 'echo up; read x; echo "$x"';
    await host.execute(spec.id, { executionId: 'held', origin: 'exec', command, attachStdin: true });
    const stdout = async () => (await host.execution(spec.id, 'held', 1)).stdout.text;
    await expect.poll(stdout, { timeout: patienceMs(10_000) }).toBe('up\n');
    const { runscRoot } = new StatePaths(installation.configuration.stateDirectory);
    sandbox = await TroubledSandbox.of(runscRoot, spec.id, method, trouble, times);
    return spec;
  }

  async function runsOn(spec: BoxSpec): Promise<void> {
    const execution = { executionId: `e${++count}`, origin: 'exec', command: 'echo on' } as const;
    expect(await host.executeAndWait(spec.id, execution, WAIT)).toMatchObject({ stdout: { text: 'on\n' } });
  }

  async function finish({ id }: BoxSpec): Promise<void> {
    await host.stdin(id, 'held', Buffer.from('whole\n'), true);
    expect(await host.waitExecution(id, 'held', WAIT)).toMatchObject({
      end: { kind: 'exited', code: 0 },
      stdout: { text: 'up\nwhole\n' },
    });
  }

  it.each<[string, Trouble]>([
    ['Pause', 'refuse'],
    ['Pause', 'hangUp'],
    ['Pause', 'silent'],
    ['Checkpoint', 'refuse'],
    ['Checkpoint', 'hangUp'],
  ])('a suspend whose %s meets this (%s) is refused, the box runs on, and the next one is whole', async (...what) => {
    const spec = await boxThatWaits(...what);
    await expect(host.suspend(spec.id, MEMORY)).rejects.toThrow(/could not be kept/);
    expect(await host.inspect(spec.id)).toMatchObject({ phase: 'running' });
    await runsOn(spec);
    expect(await host.suspend(spec.id, MEMORY)).toMatchObject({ hasMemory: true });
    expect(await host.resume(spec, MEMORY)).toMatchObject({ phase: 'running' });
    await finish(spec);
  });

  it.each<[string, Trouble]>([
    ['Resume', 'refuse'],
    ['Resume', 'hangUp'],
    ['Resume', 'silent'],
  ])('a source whose %s after a snapshot meets this (%s) runs on', async (...what) => {
    const spec = await boxThatWaits(...what);
    expect(await host.snapshot(spec.id, 'snp-calls', DISK)).toMatchObject({ hasMemory: false });
    await runsOn(spec);
    expect(await host.snapshot(spec.id, 'snp-after', MEMORY)).toMatchObject({ hasMemory: true });
    await finish(spec);
  });

  it.each(['Pause', 'Checkpoint', 'Resume'])(
    'a sandbox that does not know %s is asked by runsc itself',
    async (method) => {
      const spec = await boxThatWaits(method, 'unknown');
      const wish = method === 'Resume' ? DISK : MEMORY;
      expect(await host.snapshot(spec.id, 'snp-unknown', wish)).toMatchObject({ hasMemory: wish.memory });
      const asked = (sandbox?.asked ?? []).filter((name) => name.endsWith(method));
      // A checkpoint is asked for by runsc behind the back of who stands here.
      expect(asked).toHaveLength(method === 'Checkpoint' ? 1 : 2);
      await finish(spec);
      const fork = boxSpec({ image: { snapshotId: 'snp-unknown', memory: wish.memory } });
      expect(await host.create(fork)).toMatchObject({ phase: 'running' });
    },
  );

  it.each([
    ['Pause', 'suspend'],
    ['Checkpoint', 'suspend'],
    ['Resume', 'snapshot'],
  ] as const)('a box is destroyed although its %s hangs in a %s', async (method, call) => {
    const spec = await boxThatWaits(method, 'hang', 1_000);
    const outcome = (
      call === 'suspend' ? host.suspend(spec.id, MEMORY) : host.snapshot(spec.id, 'snp-hang', DISK)
    ).catch((error: unknown) => error);
    await expect.poll(() => sandbox?.asked.at(-1), { timeout: patienceMs(20_000) }).toMatch(method);
    await delay(100);
    await host.destroy(spec.id);
    expect(await host.inspect(spec.id)).toMatchObject({ phase: 'destroyed' });
    await outcome;
  });
});
