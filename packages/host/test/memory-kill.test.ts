import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { BoxSpec, Host } from '../src/contract/index.ts';
import { retried } from './host-child.ts';
import { HostKiller, type KillOrder } from './host-killer.ts';
import { grades, type Installation, makeInstallation } from './local-harness.ts';
import { boxSpec } from './local-spec.ts';
import { patienceMs } from './patience.ts';

const MEMORY = { memory: true };
const WAIT = { until: ['completed'], timeoutMs: patienceMs(20_000), lastLines: 10 } as const;
const exec = (executionId: string, command: string) => ({ executionId, origin: 'exec', command }) as const;

/** All steps of each call with `BERTH_MEMORY_KILLS=all`; else those that something is between. */
const wantsAll = process.env['BERTH_MEMORY_KILLS'] === 'all';
const steps = (some: readonly KillOrder[], others: readonly KillOrder[]) => [...some, ...(wantsAll ? others : [])];
const at = (when: KillOrder['when'], command: string, text?: string): KillOrder =>
  text === undefined ? { command, when } : { command, text, when };

const [pause, checkpoint, unpause] = ['"pause"', '"checkpoint"', '"resume"'];

describe.each(grades.filter(({ grade }) => grade === 'gvisor'))(
  'memory and a host that is killed ($grade)',
  ({ change }) => {
    let installation: Installation;
    let killer: HostKiller;
    let host: Host;
    let count = 0;

    beforeAll(async () => {
      installation = await makeInstallation(change);
      killer = await HostKiller.start(installation);
      host = killer.child.host;
    });
    afterEach(async () => {
      for (const { id } of await retried(() => host.list())) {
        await retried(() => host.destroy(id));
      }
      for (const { id } of await retried(() => host.snapshots())) {
        await retried(() => host.deleteSnapshot(id));
      }
      const leaks = async () => Object.entries((await host.describe()).leaks).filter(([, number]) => number !== 0);
      await expect.poll(leaks, { timeout: patienceMs(10_000) }).toEqual([]);
    });
    afterAll(async () => {
      await killer.child.close();
      await installation.remove();
    });

    /** A box with a command that waits for its stdin. */
    async function boxThatWaits(): Promise<BoxSpec> {
      const spec = boxSpec();
      await host.create(spec);
      await host.execute(spec.id, { ...exec('held', 'echo up; read x; echo "$x"'), attachStdin: true });
      await expect
        .poll(async () => (await host.execution(spec.id, 'held', 1)).stdoutBytes, { timeout: patienceMs(10_000) })
        .toBe(3);
      return spec;
    }

    async function isAlive({ id }: BoxSpec, after: KillOrder): Promise<void> {
      const view = await retried(() => host.executeAndWait(id, exec(`alive-${++count}`, 'echo alive'), WAIT));
      expect(view, `after a kill ${JSON.stringify(after)}`).toMatchObject({ stdout: { text: 'alive\n' } });
    }

    async function finish({ id }: BoxSpec): Promise<void> {
      await retried(() => host.stdin(id, 'held', Buffer.from('whole\n'), true));
      expect(await retried(() => host.waitExecution(id, 'held', WAIT))).toMatchObject({
        end: { kind: 'exited', code: 0 },
        stdout: { text: 'up\nwhole\n' },
      });
    }

    it('in the middle of a suspend: the box runs on, or sleeps with its memory', { timeout: 300_000 }, async () => {
      const spec = await boxThatWaits();
      for (const order of steps(
        [
          at('after', 'runtimeRun', pause),
          at(40, 'runtimeRun', checkpoint),
          at('after', 'runtimeRun', checkpoint),
          at('after', 'fileSystemSync'),
          at('before', 'boxKill'),
          at('after', 'boxKill'),
        ],
        [at('before', 'runtimeRun', pause), at('before', 'fileSystemSync')],
      )) {
        await killer.dieAt(order, () => host.suspend(spec.id, MEMORY));
        const state = await retried(() => host.inspect(spec.id));
        if (state?.phase !== 'running') {
          expect(state, JSON.stringify(order)).toMatchObject({ phase: 'suspended', hasMemory: true });
          expect(await retried(() => host.resume(spec, MEMORY))).toMatchObject({ phase: 'running' });
        }
        await isAlive(spec, order);
      }
      await finish(spec);
    });

    it('in the middle of a resume: the box runs, or still has its memory', { timeout: 300_000 }, async () => {
      const spec = await boxThatWaits();
      for (const order of steps(
        [
          at('after', 'subvolumeSnapshot'),
          at(60, 'boxStart', '"restore"'),
          at('after', 'boxStart', '"restore"'),
          at('after', 'boxWatch'),
          at('before', 'subvolumeLimit'),
          at('before', 'subvolumeDelete', '/disk-'),
        ],
        [
          at('before', 'subvolumeCreate'),
          at('before', 'subvolumeSnapshot'),
          at('before', 'boxStart', '"restore"'),
          at('after', 'subvolumeLimit'),
          at('after', 'subvolumeDelete', '/disk-'),
        ],
      )) {
        await retried(() => host.suspend(spec.id, MEMORY));
        await killer.dieAt(order, () => host.resume(spec, MEMORY));
        const state = await retried(() => host.inspect(spec.id));
        expect(state, JSON.stringify(order)).toMatchObject(
          state?.phase === 'running' ? {} : { phase: 'suspended', hasMemory: true },
        );
        expect(await retried(() => host.resume(spec, MEMORY)), JSON.stringify(order)).toMatchObject({
          phase: 'running',
        });
        await isAlive(spec, order);
      }
      await finish(spec);
    });

    it('in the middle of a snapshot: the box runs on, the snapshot is whole or not there', {
      timeout: 300_000,
    }, async () => {
      const spec = await boxThatWaits();
      for (const [index, order] of steps(
        [
          at('after', 'runtimeRun', pause),
          at(40, 'runtimeRun', checkpoint),
          at('after', 'subvolumeSnapshot'),
          at('after', 'fileSystemSync'),
        ],
        [
          at('before', 'runtimeRun', pause),
          at('after', 'runtimeRun', checkpoint),
          at('before', 'runtimeRun', unpause),
          at('after', 'runtimeRun', unpause),
          at('before', 'fileSystemSync'),
        ],
      ).entries()) {
        const snapshotId = `snp-${index}`;
        await killer.dieAt(order, () => host.snapshot(spec.id, snapshotId, MEMORY));
        await isAlive(spec, order);
        const snapshot = await retried(() => host.snapshot(spec.id, snapshotId, MEMORY));
        expect(snapshot).toMatchObject({ hasMemory: true });
      }
      const fork = boxSpec({ image: { snapshotId: 'snp-0', memory: true } });
      expect(await host.create(fork)).toMatchObject({ phase: 'running' });
      await finish(spec);
    });
  },
);
