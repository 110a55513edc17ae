import { describe, expect, it } from 'vitest';
import type { BoxSpec } from '../../src/contract/index.ts';
import { patienceMs } from '../patience.ts';
import { type Bench, execution } from './harness.ts';

const MEMORY = { memory: true };
const WAIT = { timeoutMs: patienceMs(20_000), lastLines: 10 };

/** @param keepsMemory the strongest grade of the host does: suspend, resume and snapshots with `memory` */
export function memoryContract(bench: Bench, keepsMemory: boolean): void {
  describe('memory', () => {
    it('is refused for a box of the grade container, which runs on', async () => {
      const boxId = await bench.box({ isolation: 'container' });
      await expect(bench.host.suspend(boxId, MEMORY)).rejects.toMatchObject({ code: 'memoryUnsupported' });
      const snapshotId = bench.snapshotId();
      await expect(bench.host.snapshot(boxId, snapshotId, MEMORY)).rejects.toMatchObject({ code: 'memoryUnsupported' });
      expect((await bench.host.snapshots()).map(({ id }) => id)).not.toContain(snapshotId);
      expect((await bench.run(boxId, 'echo on')).stdout.text).toBe('on\n');
    });

    if (!keepsMemory) {
      return;
    }

    it('goes on where it stood, with the whole output', async () => {
      const { spec, running } = await boxWithCat(bench);
      await bench.run(spec.id, 'export IN_SHELL=kept', { shellName: 'main' });
      expect(await bench.host.suspend(spec.id, MEMORY)).toMatchObject({ phase: 'suspended', hasMemory: true });
      expect(await bench.host.execution(spec.id, running.executionId, 1)).toMatchObject({ status: 'running' });
      await expect(bench.host.execute(spec.id, execution('true'))).rejects.toMatchObject({ code: 'boxNotRunning' });
      const resumed = await bench.host.resume(spec, MEMORY);
      expect(resumed).toMatchObject({ phase: 'running' });
      expect(resumed).not.toHaveProperty('hasMemory');
      await bench.host.stdin(spec.id, running.executionId, Buffer.from('middle\n'), true);
      expect(await bench.host.executeAndWait(spec.id, running, WAIT)).toMatchObject({
        end: { kind: 'exited', code: 0 },
        stdout: { text: 'one\nmiddle\ntwo\n' },
      });
      expect((await bench.run(spec.id, 'echo $IN_SHELL', { shellName: 'main' })).stdout.text).toBe('kept\n');
    });

    it('is left aside when only the disk is wanted', async () => {
      const { spec, running } = await boxWithCat(bench);
      await bench.run(spec.id, 'echo disk > notes');
      await bench.host.suspend(spec.id, MEMORY);
      await bench.host.resume(spec, { memory: false });
      expect(await bench.host.execution(spec.id, running.executionId, 1)).toMatchObject({
        end: { kind: 'lost' },
        stdout: { text: 'one\n' },
      });
      expect((await bench.run(spec.id, 'cat notes')).stdout.text).toBe('disk\n');
    });

    it('forks: the processes go on in both, the executions in the source, marked as lost in the fork', async () => {
      const { spec, running } = await boxWithCat(bench);
      await bench.run(spec.id, 'export IN_SHELL=shared', { shellName: 'main' });
      const state = await bench.host.snapshot(spec.id, bench.snapshotId(), MEMORY);
      expect(state).toMatchObject({ hasMemory: true, memoryBytes: expect.toSatisfy((bytes: number) => bytes > 0) });
      const fork = await bench.box({ image: { snapshotId: state.id, memory: true } });
      expect((await bench.run(fork, 'echo $IN_SHELL', { shellName: 'main' })).stdout.text).toBe('shared\n');
      const inherited = { status: 'completed', end: { kind: 'lost', reason: expect.stringMatching(/forked/) } };
      expect(await bench.host.execution(fork, running.executionId, 1)).toMatchObject(inherited);
      expect(await bench.host.execute(fork, running)).toMatchObject(inherited);
      await bench.host.stdin(spec.id, running.executionId, Buffer.from('only here\n'), true);
      expect(await bench.host.executeAndWait(spec.id, running, WAIT)).toMatchObject({
        stdout: { text: 'one\nonly here\ntwo\n' },
      });
    });

    it('is kept of running boxes only', async () => {
      const boxId = await bench.box();
      await bench.host.suspend(boxId, { memory: false });
      const take = bench.host.snapshot(boxId, bench.snapshotId(), MEMORY);
      await expect(take).rejects.toMatchObject({ code: 'boxNotRunning' });
    });
  });
}

/** A box in which a command waits for its stdin. */
async function boxWithCat(bench: Bench): Promise<{ spec: BoxSpec; running: ReturnType<typeof execution> }> {
  const spec = bench.spec();
  const running = execution('echo one; cat; echo two', { attachStdin: true });
  await bench.host.create(spec);
  await bench.host.execute(spec.id, running);
  await expect
    .poll(() => bench.host.execution(spec.id, running.executionId, 1), { timeout: patienceMs(10_000) })
    .toMatchObject({ stdoutBytes: 4 });
  return { spec, running };
}
