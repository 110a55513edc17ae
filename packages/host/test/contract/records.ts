import { describe, expect, it } from 'vitest';
import { type Bench, execution } from './harness.ts';

export function recordContract(bench: Bench): void {
  describe('records', () => {
    it('logs each execution, in order, with its end', async () => {
      const boxId = await bench.box();
      const first = await bench.run(boxId, 'exit 5');
      await bench.run(boxId, 'true', { origin: 'setup_commands' });
      const own = await bench.host.logs(boxId, { executionId: first.executionId });
      expect(own[0]).toMatchObject({ source: 'exec', command: 'exit 5', executionId: first.executionId });
      expect(own.some((entry) => entry.exitCode === 5)).toBe(true);
      const all = await bench.host.logs(boxId, {});
      const times = all.map((entry) => entry.timestampMs);
      expect(times).toEqual([...times].sort((one, other) => one - other));
      expect(all.some((entry) => entry.source === 'setup_commands')).toBe(true);
      expect(await bench.host.logs(boxId, { limit: 1 })).toEqual(all.slice(-1));
    });

    it('follows the log', async () => {
      const boxId = await bench.box();
      const abort = new AbortController();
      const spec = execution('exit 6');
      const follow = async () => {
        for await (const entry of bench.host.followLogs(boxId, { executionId: spec.executionId }, abort.signal)) {
          if (entry.exitCode === 6) {
            return entry;
          }
        }
        return undefined;
      };
      const seen = follow();
      await bench.host.execute(boxId, spec);
      expect(await seen).toMatchObject({ executionId: spec.executionId, exitCode: 6 });
      abort.abort();
    });

    it('tells subscribers when an execution has ended', async () => {
      const boxId = await bench.box();
      const abort = new AbortController();
      const ended: string[] = [];
      const subscriber = (async () => {
        for await (const event of bench.host.events(abort.signal)) {
          if (event.type === 'execution' && event.boxId === boxId) {
            ended.push(event.executionId);
          }
        }
      })();
      await bench.host.list();
      const { executionId } = await bench.run(boxId, 'true');
      await expect.poll(() => ended).toEqual([executionId]);
      abort.abort();
      await subscriber;
    });

    it('keeps a box in the list until it is forgotten, and forgets only what is destroyed', async () => {
      const boxId = await bench.box();
      await bench.host.forget(boxId);
      expect(await bench.host.inspect(boxId)).toMatchObject({ phase: 'running' });
      await bench.host.destroy(boxId);
      expect((await bench.host.list()).map(({ id }) => id)).toContain(boxId);
      await bench.host.forget(boxId);
      expect((await bench.host.list()).map(({ id }) => id)).not.toContain(boxId);
      await bench.host.forget(boxId);
    });
  });
}
