import { describe, expect, it } from 'vitest';
import { patienceMs } from '../patience.ts';
import { type Bench, execution } from './harness.ts';

const DISK = { memory: false };
const from = (snapshotId: string) => ({ image: { snapshotId, memory: false } });

export function snapshotContract(bench: Bench): void {
  describe('snapshots', () => {
    it('starts boxes from the disk of another, with its image and not with its environment', async () => {
      const source = await bench.box({ environment: { SECRET: 'of the source' } });
      await bench.run(source, 'echo before > notes');
      const snapshotId = bench.snapshotId();
      const state = await bench.host.snapshot(source, snapshotId, DISK);
      expect(state).toMatchObject({ id: snapshotId, boxId: source, isolation: bench.isolation, hasMemory: false });
      expect(state).toMatchObject({ memoryBytes: 0, diskBytes: expect.any(Number), createdMs: expect.any(Number) });
      await bench.run(source, 'echo after > notes');
      const [one, other] = await Promise.all([bench.box(from(snapshotId)), bench.box(from(snapshotId))]);
      const read = { command: 'cat notes; echo "<$SECRET>"', text: 'before\n<>\n' };
      for (const boxId of [one, other]) {
        expect((await bench.run(boxId, read.command)).stdout.text).toBe(read.text);
      }
      await bench.run(one, 'echo mine > notes');
      expect((await bench.run(other, 'cat notes')).stdout.text).toBe('before\n');
      expect((await bench.run(source, 'cat notes')).stdout.text).toBe('after\n');
    });

    it('lets the box go on, and what runs in it', async () => {
      const source = await bench.box();
      const running = execution('echo begun; cat; echo done', { attachStdin: true });
      await bench.host.execute(source, running);
      await bench.snapshot(source);
      await bench.host.stdin(source, running.executionId, Buffer.from('later\n'), true);
      const view = await bench.host.executeAndWait(source, running, { timeoutMs: patienceMs(20_000), lastLines: 10 });
      expect(view).toMatchObject({ end: { kind: 'exited', code: 0 }, stdout: { text: 'begun\nlater\ndone\n' } });
    });

    it('is the same for the same id, asked for at once and later', async () => {
      const source = await bench.box();
      const snapshotId = bench.snapshotId();
      const [first, second] = await Promise.all([1, 2].map(() => bench.host.snapshot(source, snapshotId, DISK)));
      expect(second).toEqual(first);
      await bench.run(source, 'echo late > notes');
      expect(await bench.host.snapshot(source, snapshotId, DISK)).toEqual(first);
      expect((await bench.host.snapshots()).filter(({ id }) => id === snapshotId)).toEqual([first]);
      const boxId = await bench.box(from(snapshotId));
      expect((await bench.run(boxId, 'cat notes')).end).toEqual({ kind: 'exited', code: 1 });
    });

    it('is taken of a suspended box, and of one that has stopped', async () => {
      const spec = bench.spec();
      await bench.host.create(spec);
      await bench.run(spec.id, 'echo one > one');
      await bench.host.suspend(spec.id, DISK);
      const asleep = bench.snapshotId();
      expect(await bench.host.snapshot(spec.id, asleep, DISK)).toMatchObject({ pausedMs: 0 });
      await bench.host.resume(spec, DISK);
      await bench.run(spec.id, 'echo two > two');
      await bench.harness.killBox(spec.id);
      await expect
        .poll(() => bench.host.inspect(spec.id), { timeout: patienceMs(10_000) })
        .toMatchObject({ phase: 'stopped' });
      const dead = await bench.snapshot(spec.id);
      const [early, late] = await Promise.all([bench.box(from(asleep)), bench.box(from(dead))]);
      expect((await bench.run(early, 'cat one two')).stdout.text).toBe('one\n');
      expect((await bench.run(late, 'cat one; cat two')).stdout.text).toBe('one\ntwo\n');
    });

    it('outlives its box, and boxes outlive it', async () => {
      const source = await bench.box();
      await bench.run(source, 'echo kept > notes');
      const snapshotId = await bench.snapshot(source);
      await bench.host.destroy(source);
      await bench.host.forget(source);
      expect((await bench.host.snapshots()).map(({ id }) => id)).toContain(snapshotId);
      const spec = bench.spec(from(snapshotId));
      await bench.host.create(spec);
      await bench.host.deleteSnapshot(snapshotId);
      await bench.host.deleteSnapshot(snapshotId);
      await bench.host.deleteSnapshot('snp-never-seen');
      expect((await bench.host.snapshots()).map(({ id }) => id)).not.toContain(snapshotId);
      await expect(bench.host.create(bench.spec(from(snapshotId)))).rejects.toMatchObject({ code: 'imageUnavailable' });
      await bench.host.suspend(spec.id, DISK);
      await bench.host.resume(spec, DISK);
      expect((await bench.run(spec.id, 'cat notes')).stdout.text).toBe('kept\n');
    });

    it('stands on the snapshots before it', async () => {
      let boxId = await bench.box();
      let last = '';
      for (const generation of [1, 2, 3]) {
        await bench.run(boxId, `echo ${generation} > file-${generation}; echo ${generation} > newest`);
        const snapshotId = await bench.snapshot(boxId);
        if (last !== '') {
          await bench.host.deleteSnapshot(last);
        }
        await bench.host.destroy(boxId);
        boxId = await bench.box(from(snapshotId));
        last = snapshotId;
      }
      const view = await bench.run(boxId, 'cat file-1; cat file-2; cat file-3; cat newest');
      expect(view.stdout.text).toBe('1\n2\n3\n3\n');
    });

    it('is taken of no box that is gone or was never there', async () => {
      const boxId = await bench.box();
      await bench.host.destroy(boxId);
      const take = (source: string) => bench.host.snapshot(source, bench.snapshotId(), DISK);
      await expect(take(boxId)).rejects.toMatchObject({ code: 'boxNotRunning' });
      await expect(take('dbx-unknown')).rejects.toMatchObject({ code: 'boxNotFound' });
    });

    it('has no memory that was not kept', async () => {
      const snapshotId = await bench.snapshot(await bench.box());
      const spec = bench.spec({ image: { snapshotId, memory: true } });
      await expect(bench.host.create(spec)).rejects.toMatchObject({ code: 'memoryUnsupported' });
      expect(await bench.host.inspect(spec.id)).toBeUndefined();
    });
  });
}
