import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { Workers } from '../../src/reconciler/workers.ts';
import { eventually } from '../devboxes/kit.ts';

const log = pino({ level: 'silent' });
const untilAborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));

describe('Workers', () => {
  it('works on one box one at a time, on several at once', async () => {
    const active = new Map<string, number>();
    let together = 0;
    const workers = new Workers({
      log,
      work: async (id) => {
        active.set(id, (active.get(id) ?? 0) + 1);
        expect(active.get(id)).toBe(1);
        together = Math.max(together, active.size);
        await new Promise((resolve) => setTimeout(resolve, 2));
        active.delete(id);
      },
    });
    for (const id of ['a', 'b', 'a', 'b', 'a']) {
      workers.nudge(id);
    }
    await eventually(() => workers.size === 0);
    expect(together).toBe(2);
  });

  it('looks again after a nudge during the work, and cuts short what it waits for', async () => {
    let rounds = 0;
    const workers = new Workers({
      log,
      work: async (_id, signal) => {
        rounds += 1;
        if (rounds === 1) {
          await untilAborted(signal);
        }
      },
    });
    workers.nudge('a');
    await eventually(() => rounds === 1);
    expect(workers.has('a')).toBe(true);
    workers.nudge('a');
    await eventually(() => !workers.has('a'));
    expect(rounds).toBe(2);
  });

  it('tries again after failures, counting them, until it succeeds', async () => {
    const attempts: number[] = [];
    const workers = new Workers({
      log,
      firstPauseMs: 1,
      work: async (_id, _signal, attempt) => {
        attempts.push(attempt);
        if (attempt < 3) {
          throw new Error('not yet');
        }
      },
    });
    workers.nudge('a');
    await eventually(() => workers.size === 0);
    expect(attempts).toEqual([0, 1, 2, 3]);
  });

  it('does not wait out its pause when nudged', async () => {
    let rounds = 0;
    const workers = new Workers({
      log,
      firstPauseMs: 3_600_000,
      work: async () => {
        rounds += 1;
        if (rounds === 1) {
          throw new Error('not yet');
        }
      },
    });
    workers.nudge('a');
    await eventually(() => rounds === 1);
    await new Promise((resolve) => setImmediate(resolve));
    workers.nudge('a');
    await eventually(() => workers.size === 0);
    expect(rounds).toBe(2);
  });

  it('stops all, and starts nothing any more', async () => {
    let rounds = 0;
    const workers = new Workers({
      log,
      work: async (_id, signal) => {
        rounds += 1;
        await untilAborted(signal);
      },
    });
    workers.nudge('a');
    workers.nudge('b');
    await eventually(() => rounds === 2);
    await workers.stop();
    workers.nudge('c');
    expect([workers.size, rounds]).toEqual([0, 2]);
  });
});
