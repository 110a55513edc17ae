import { expect, it } from 'vitest';
import type { LogEntry } from '../../src/contract/index.ts';
import { type Bench, spec } from './harness.ts';

const wait = { timeoutMs: 10_000, lastLines: 10 };

/** A box that ends and is started again: one object, one history. */
export const restartSuite = (begin: () => Promise<Bench>): void => {
  it('goes on after the box has ended, with another guest', async () => {
    const bench = await begin();
    await bench.box.sync();
    const abort = new AbortController();
    const followed: LogEntry[] = [];
    const follower = (async () => {
      for await (const entry of bench.box.followLogs({}, abort.signal)) {
        followed.push(entry);
      }
    })();
    for (const round of [1, 2, 3]) {
      const running = spec('echo begun; sleep 60');
      await bench.box.execute(running);
      await expect.poll(() => bench.box.execution(running.executionId, 1)).toMatchObject({ stdoutBytes: 6 });
      bench.guest?.stop();
      await bench.box.boxEnded('the box was suspended');
      expect(await bench.box.execution(running.executionId, 5)).toMatchObject({
        end: { kind: 'lost', reason: 'the box was suspended' },
        stdout: { text: 'begun\n' },
      });
      await expect(bench.box.execute(spec('true'))).rejects.toMatchObject({ code: 'boxNotRunning' });
      expect(bench.box.listening).toBe(false);
      await bench.connect();
      expect((await bench.box.executeAndWait(spec(`echo ${round}`), wait)).stdout.text).toBe(`${round}\n`);
    }
    await expect.poll(() => followed.some(({ message }) => message === '3')).toBe(true);
    abort.abort();
    await expect(follower).rejects.toMatchObject({ code: 'cancelled' });
    await bench.box.close();
    await expect(bench.box.listen()).rejects.toMatchObject({ code: 'internal' });
  });
};
