import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Alarm } from '../../src/reconciler/alarm.ts';

const log = pino({ level: 'silent' });

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

const alarm = (nextInMs: () => number | undefined, fail: () => boolean = () => false) => {
  const rings: number[] = [];
  const made = new Alarm({
    name: 'test',
    log,
    run: async () => {
      rings.push(performance.now());
      if (fail()) {
        throw new Error('database away');
      }
    },
    nextInMs: async () => nextInMs(),
  });
  const began = performance.now();
  return { alarm: made, rings: () => rings.map((at) => at - began) };
};

describe('Alarm', () => {
  it('rings at the start, and then when the next thing is due', async () => {
    let next: number | undefined = 500;
    const { alarm: made, rings } = alarm(() => next);
    made.start();
    await vi.advanceTimersByTimeAsync(0);
    next = undefined;
    await vi.advanceTimersByTimeAsync(499);
    expect(rings()).toEqual([0]);
    await vi.advanceTimersByTimeAsync(1);
    expect(rings()).toEqual([0, 500]);
  });

  it('looks again after 30 s when it knows of nothing', async () => {
    const { alarm: made, rings } = alarm(() => undefined);
    made.start();
    await vi.advanceTimersByTimeAsync(61_000);
    expect(rings()).toEqual([0, 30_000, 60_000]);
  });

  it('rings earlier when told, never later', async () => {
    const { alarm: made, rings } = alarm(() => undefined);
    made.start();
    await vi.advanceTimersByTimeAsync(0);
    made.within(100);
    made.within(5_000);
    await vi.advanceTimersByTimeAsync(6_000);
    expect(rings()).toEqual([0, 100]);
  });

  it('neither spins on what stays due nor gives up after a failure', async () => {
    let failures = 1;
    const { alarm: made, rings } = alarm(
      () => -5,
      () => failures-- > 0,
    );
    made.start();
    await vi.advanceTimersByTimeAsync(1_040);
    expect(rings()).toEqual([0, 1_000, 1_020, 1_040]);
  });

  it('is silent after stop', async () => {
    const { alarm: made, rings } = alarm(() => 10);
    made.start();
    await vi.advanceTimersByTimeAsync(0);
    await made.stop();
    made.within(0);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(rings()).toEqual([0]);
  });
});
