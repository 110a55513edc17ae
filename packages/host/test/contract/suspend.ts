import { describe, expect, it } from 'vitest';
import { patienceMs } from '../patience.ts';
import { type Bench, collect, execution, pieces } from './harness.ts';

const DISK = { memory: false };

export function suspendContract(bench: Bench): void {
  describe('suspend and resume', () => {
    it('keeps the disk, and ends what runs as lost', async () => {
      const spec = bench.spec();
      await bench.host.create(spec);
      await bench.host.writeFile(spec.id, 'kept', pieces('on disk'));
      const running = execution('echo begun; sleep 60');
      await bench.host.execute(spec.id, running);
      await expect
        .poll(() => bench.host.execution(spec.id, running.executionId, 1), { timeout: patienceMs(10_000) })
        .toMatchObject({ stdoutBytes: 6 });
      const suspended = await bench.host.suspend(spec.id, DISK);
      expect(suspended).toMatchObject({ phase: 'suspended', hasMemory: false });
      expect(suspended).not.toHaveProperty('ipv4');
      expect(await bench.host.inspect(spec.id)).toEqual(suspended);
      expect(await bench.host.execution(spec.id, running.executionId, 1)).toMatchObject({
        status: 'completed',
        end: { kind: 'lost', reason: expect.stringContaining('suspended') },
        stdout: { text: 'begun\n' },
      });
      expect(await collect(bench.host.output(spec.id, running.executionId, 'stdout', 0))).toBe('begun\n');
      const resumed = await bench.host.resume(spec, DISK);
      expect(resumed).toMatchObject({ phase: 'running', isolation: bench.isolation });
      expect(resumed.ipv4).toMatch(/^\d+\.\d+\.\d+\.\d+$/);
      expect(resumed).not.toHaveProperty('stoppedMs');
      expect((await bench.run(spec.id, 'cat kept')).stdout.text).toBe('on disk');
      expect((await bench.host.execution(spec.id, running.executionId, 1)).stdout.text).toBe('begun\n');
      expect(await bench.host.create(spec)).toEqual(resumed);
    });

    it('refuses what needs a running box while suspended', async () => {
      const boxId = await bench.box();
      const { executionId } = await bench.run(boxId, 'true');
      await bench.host.suspend(boxId, DISK);
      const refused = { code: 'boxNotRunning' };
      await expect(bench.host.execute(boxId, execution('true'))).rejects.toMatchObject(refused);
      await expect(bench.host.stat(boxId, '/tmp')).rejects.toMatchObject(refused);
      await expect(bench.host.connect(boxId, 80)).rejects.toMatchObject(refused);
      await expect(bench.host.metrics(boxId)).rejects.toMatchObject(refused);
      expect((await bench.host.logs(boxId, { executionId })).length).toBeGreaterThan(0);
    });

    it('goes on with the environment that the resume brings', async () => {
      const spec = bench.spec();
      await bench.host.create(spec);
      await bench.host.suspend(spec.id, DISK);
      await bench.host.resume({ ...spec, environment: { LATER: 'new' } }, DISK);
      expect((await bench.run(spec.id, 'echo $LATER-$GREETING')).stdout.text).toBe('new-\n');
    });

    it('can be repeated, one after the other and at once', async () => {
      const spec = bench.spec();
      await bench.host.create(spec);
      for (const round of [1, 2, 3]) {
        const [suspended, again] = await Promise.all([1, 2].map(() => bench.host.suspend(spec.id, DISK)));
        expect(again).toEqual(suspended);
        expect(await bench.host.suspend(spec.id, DISK)).toEqual(suspended);
        const [resumed, twice] = await Promise.all([1, 2].map(() => bench.host.resume(spec, DISK)));
        expect(twice).toEqual(resumed);
        expect(await bench.host.resume(spec, DISK)).toEqual(resumed);
        expect((await bench.run(spec.id, `echo ${round}`)).stdout.text).toBe(`${round}\n`);
      }
    });

    it('forgets what only processes knew', async () => {
      const spec = bench.spec();
      await bench.host.create(spec);
      await bench.run(spec.id, 'export IN_SHELL=1', { shellName: 'main' });
      await bench.host.suspend(spec.id, DISK);
      await bench.host.resume(spec, DISK);
      expect((await bench.run(spec.id, 'echo "<$IN_SHELL>"', { shellName: 'main' })).stdout.text).toBe('<>\n');
    });

    it('suspends only what runs, and resumes only what is suspended', async () => {
      const spec = bench.spec();
      await bench.host.create(spec);
      await bench.harness.killBox(spec.id);
      await expect
        .poll(() => bench.host.inspect(spec.id), { timeout: patienceMs(10_000) })
        .toMatchObject({ phase: 'stopped', cause: 'guest_exited' });
      await expect(bench.host.suspend(spec.id, DISK)).rejects.toMatchObject({ code: 'boxNotRunning' });
      await expect(bench.host.resume(spec, DISK)).rejects.toMatchObject({ code: 'boxNotSuspended' });
      await bench.host.destroy(spec.id);
      await expect(bench.host.suspend(spec.id, DISK)).rejects.toMatchObject({ code: 'boxNotRunning' });
      await expect(bench.host.resume(spec, DISK)).rejects.toMatchObject({ code: 'boxNotSuspended' });
      await expect(bench.host.suspend('dbx-unknown', DISK)).rejects.toMatchObject({ code: 'boxNotFound' });
      await expect(bench.host.resume(bench.spec(), DISK)).rejects.toMatchObject({ code: 'boxNotFound' });
    });

    it('destroys a suspended box', async () => {
      const spec = bench.spec();
      await bench.host.create(spec);
      await bench.host.suspend(spec.id, DISK);
      await Promise.all([bench.host.destroy(spec.id), bench.host.destroy(spec.id)]);
      expect(await bench.host.inspect(spec.id)).toMatchObject({ phase: 'destroyed' });
      expect(await bench.host.create(spec)).toMatchObject({ phase: 'destroyed' });
    });

    it('destroys a box that is being resumed', async () => {
      const spec = bench.spec();
      await bench.host.create(spec);
      await bench.host.suspend(spec.id, DISK);
      const resumed = bench.host.resume(spec, DISK);
      await bench.host.destroy(spec.id);
      await resumed;
      expect(await bench.host.inspect(spec.id)).toMatchObject({ phase: 'destroyed' });
    });

    it('tells subscribers of each phase', async () => {
      const spec = bench.spec();
      await bench.host.create(spec);
      const abort = new AbortController();
      const phases: string[] = [];
      const subscriber = (async () => {
        for await (const event of bench.host.events(abort.signal)) {
          if (event.type === 'box' && event.state.id === spec.id && phases.at(-1) !== event.state.phase) {
            phases.push(event.state.phase);
          }
        }
      })();
      await bench.host.list();
      await bench.host.suspend(spec.id, DISK);
      await bench.host.resume(spec, DISK);
      await expect.poll(() => phases).toEqual(['suspending', 'suspended', 'starting', 'running']);
      abort.abort();
      await subscriber;
    });
  });
}
