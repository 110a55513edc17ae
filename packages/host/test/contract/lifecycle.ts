import { describe, expect, it } from 'vitest';
import { patienceMs } from '../patience.ts';
import { type Bench, execution } from './harness.ts';

export function lifecycleContract(bench: Bench): void {
  describe('boxes', () => {
    it('resolves create when the box runs, and again with the same box', async () => {
      const spec = bench.spec();
      const first = await bench.host.create(spec);
      expect(first).toMatchObject({ id: spec.id, phase: 'running', isolation: bench.isolation });
      expect(first.ipv4).toMatch(/^\d+\.\d+\.\d+\.\d+$/);
      expect(await bench.host.create(spec)).toEqual(first);
    });

    it('starts one box when asked many times at once', async () => {
      const spec = bench.spec();
      const states = await Promise.all(Array.from({ length: 5 }, () => bench.host.create(spec)));
      expect(new Set(states.map((state) => JSON.stringify(state))).size).toBe(1);
      expect((await bench.host.list()).filter(({ id }) => id === spec.id)).toHaveLength(1);
    });

    it('refuses an isolation that it does not have', async () => {
      const spec = bench.spec({ isolation: 'microvm' });
      await expect(bench.host.create(spec)).rejects.toMatchObject({ code: 'isolationUnavailable' });
      expect(await bench.host.inspect(spec.id)).toBeUndefined();
    });

    it('destroys a box twice, at once and one after the other', async () => {
      const boxId = await bench.box();
      await Promise.all([bench.host.destroy(boxId), bench.host.destroy(boxId)]);
      await bench.host.destroy(boxId);
      expect(await bench.host.inspect(boxId)).toMatchObject({ phase: 'destroyed', cause: 'destroyed' });
    });

    it('destroys what it has never seen', async () => {
      await bench.host.destroy('dbx-never-seen');
      expect(await bench.host.inspect('dbx-never-seen')).toBeUndefined();
    });

    it('destroys a box that is being started', async () => {
      const spec = bench.spec();
      const created = bench.host.create(spec);
      await bench.host.destroy(spec.id);
      await created;
      expect(await bench.host.inspect(spec.id)).toMatchObject({ phase: 'destroyed' });
    });

    it('does not bring a destroyed box back', async () => {
      const spec = bench.spec();
      await bench.host.create(spec);
      await bench.host.destroy(spec.id);
      expect(await bench.host.create(spec)).toMatchObject({ phase: 'destroyed' });
    });

    it('reports a box that died as stopped with a cause, and destroys it then', async () => {
      const boxId = await bench.box();
      await bench.harness.killBox(boxId);
      await expect
        .poll(() => bench.host.inspect(boxId), { timeout: patienceMs(10_000) })
        .toMatchObject({
          phase: 'stopped',
          cause: 'guest_exited',
        });
      await expect(bench.host.execute(boxId, execution('true'))).rejects.toMatchObject({ code: 'boxNotRunning' });
      await bench.host.destroy(boxId);
      expect(await bench.host.inspect(boxId)).toMatchObject({ phase: 'destroyed', cause: 'guest_exited' });
    });

    it('tells subscribers of every change, each of them', async () => {
      const abort = new AbortController();
      const phases = [[], []] as [string[], string[]];
      const spec = bench.spec();
      const subscribers = phases.map(async (seen) => {
        for await (const event of bench.host.events(abort.signal)) {
          if (event.type === 'box' && event.state.id === spec.id && seen.at(-1) !== event.state.phase) {
            seen.push(event.state.phase);
          }
        }
      });
      await bench.host.list();
      await bench.host.create(spec);
      await bench.host.destroy(spec.id);
      await expect.poll(() => phases.every((seen) => seen.at(-1) === 'destroyed')).toBe(true);
      abort.abort();
      await Promise.all(subscribers);
      expect(phases[0]).toEqual(phases[1]);
      expect(phases[0].slice(0, 2)).toEqual(['starting', 'running']);
    });

    it('measures a running box only', async () => {
      const boxId = await bench.box();
      const metrics = await bench.host.metrics(boxId);
      expect(metrics.memoryUsedBytes).toBeGreaterThan(0);
      expect(metrics.processes).toBeGreaterThanOrEqual(1);
      await bench.host.destroy(boxId);
      await expect(bench.host.metrics(boxId)).rejects.toMatchObject({ code: 'boxNotRunning' });
    });

    it('describes itself', async () => {
      const description = await bench.host.describe();
      expect(description.isolations).toContainEqual(
        expect.objectContaining({ isolation: bench.isolation, usable: true }),
      );
      expect(description.isolations.filter(({ usable, reason }) => !usable && !reason)).toEqual([]);
      expect(description.cpus).toBeGreaterThan(0);
    });
  });
}
