import { describe, expect, it } from 'vitest';
import { patienceMs } from '../patience.ts';
import { type Bench, collect } from './harness.ts';

/** A box that shares the network of another: the sidecar. */
export function sidecarContract(bench: Bench, sharesNetwork: boolean): void {
  describe('sidecars', () => {
    if (!sharesNetwork) {
      it('refuses one where a network cannot be shared', async () => {
        const boxId = await bench.box();
        const spec = bench.spec({ networkOf: boxId });
        await expect(bench.host.create(spec)).rejects.toMatchObject({ code: 'networkUnshareable' });
        expect(await bench.host.inspect(spec.id)).toBeUndefined();
      });
      return;
    }

    const pair = async () => {
      const boxId = await bench.box();
      const sidecar = bench.spec({ id: `${boxId}-s0`, networkOf: boxId });
      return { boxId, sidecar, state: await bench.host.create(sidecar) };
    };

    it('refuses one of a sidecar', async () => {
      const { sidecar } = await pair();
      const second = bench.spec({ networkOf: sidecar.id });
      await expect(bench.host.create(second)).rejects.toMatchObject({ code: 'networkUnshareable' });
    });

    it('refuses one of a box that is not there or does not run', async () => {
      const lone = bench.spec({ networkOf: 'dbx-never-seen' });
      await expect(bench.host.create(lone)).rejects.toMatchObject({ code: 'boxNotFound' });
      const boxId = await bench.box();
      await bench.host.suspend(boxId, { memory: false });
      const late = bench.spec({ networkOf: boxId });
      await expect(bench.host.create(late)).rejects.toMatchObject({ code: 'boxNotRunning' });
    });

    it('tells whose network it shares, and runs commands of its own', async () => {
      const { boxId, sidecar, state } = await pair();
      expect(state).toMatchObject({ phase: 'running', networkOf: boxId });
      expect(await bench.host.create(sidecar)).toEqual(state);
      const view = await bench.run(sidecar.id, 'echo from the sidecar');
      expect(view.stdout.text).toBe('from the sidecar\n');
    });

    it('is reached at the ports of its box, and reaches those of its box', async () => {
      const { boxId, sidecar } = await pair();
      await bench.harness.listenEcho(sidecar.id, 7_001);
      await bench.harness.listenEcho(boxId, 7_002);
      const ways = [
        [boxId, 7_001],
        [sidecar.id, 7_002],
      ] as const;
      for (const [from, port] of ways) {
        const connection = await bench.host.connect(from, port);
        await connection.write(Buffer.from('through'));
        await connection.end();
        expect(await collect(connection.readable)).toBe('through');
      }
    });

    it('sleeps and wakes with its disk, and is destroyed and forgotten with its box', async () => {
      const { boxId, sidecar } = await pair();
      await bench.run(sidecar.id, 'echo kept > note');
      await bench.host.suspend(boxId, { memory: false });
      expect(await bench.host.inspect(sidecar.id)).toMatchObject({ phase: 'suspended' });
      await bench.host.resume(bench.spec({ id: boxId }), { memory: false });
      expect(await bench.host.resume(sidecar, { memory: false })).toMatchObject({ phase: 'running', networkOf: boxId });
      expect((await bench.run(sidecar.id, 'cat note')).stdout.text).toBe('kept\n');
      await bench.host.destroy(boxId);
      expect(await bench.host.inspect(sidecar.id)).toMatchObject({ phase: 'destroyed' });
      await bench.host.forget(boxId);
      expect(await bench.host.inspect(sidecar.id)).toBeUndefined();
    });

    it('ends with a box that dies, and leaves the box alone when it dies itself', async () => {
      const { boxId, sidecar } = await pair();
      await bench.harness.killBox(sidecar.id);
      const phaseOf = async (id: string) => (await bench.host.inspect(id))?.phase;
      await expect.poll(() => phaseOf(sidecar.id), { timeout: patienceMs(20_000) }).toBe('stopped');
      expect((await bench.run(boxId, 'echo alive')).stdout.text).toBe('alive\n');
      await bench.host.destroy(sidecar.id);
      const other = bench.spec({ id: `${boxId}-s1`, networkOf: boxId });
      await bench.host.create(other);
      await bench.harness.killBox(boxId);
      await expect.poll(() => phaseOf(other.id), { timeout: patienceMs(20_000) }).toBe('stopped');
    });
  });
}
