import { describe, expect, it } from 'vitest';
import { LendingQueue, lentBytes } from '../../src/streams/lending-queue.ts';

/** The bytes `from`, `from` + 1, … modulo 251, which no power of two divides. */
const bytesOf = (from: number, count: number): Buffer =>
  Buffer.from(Array.from({ length: count }, (_, n) => (from + n) % 251));

describe('lending queue', () => {
  it('hands out in order what came in, whatever the pieces', () => {
    const queue = new LendingQueue();
    let seed = 7;
    const below = (bound: number): number => {
      seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
      return seed % bound;
    };
    let [pushed, lent] = [0, 0];
    for (let round = 0; round < 2_000; round += 1) {
      const count = below(round % 100 === 0 ? 100_000 : 2_000);
      queue.push(bytesOf(pushed, count));
      pushed += count;
      for (let asked = below(3); asked > 0; asked -= 1) {
        const piece = queue.lend() ?? Buffer.alloc(0);
        expect(piece.equals(bytesOf(lent, piece.length))).toBe(true);
        expect(piece.length).toBeLessThanOrEqual(lentBytes);
        lent += piece.length;
      }
      expect(queue.heldBytes).toBe(pushed - lent);
    }
    for (let piece = queue.lend(); piece !== undefined; piece = queue.lend()) {
      expect(piece.equals(bytesOf(lent, piece.length))).toBe(true);
      lent += piece.length;
    }
    expect(lent).toBe(pushed);
  });

  it('leaves a lent piece alone until the next is asked for, also while it grows', () => {
    const queue = new LendingQueue();
    queue.push(bytesOf(0, 10_000));
    const piece = queue.lend();
    for (let round = 1; round <= 50; round += 1) {
      queue.push(bytesOf(round * 10_000, 10_000));
    }
    expect(piece?.equals(bytesOf(0, 10_000))).toBe(true);
    expect(queue.lend()?.subarray(0, 100).equals(bytesOf(10_000, 100))).toBe(true);
  });

  it('leaves a lent piece alone when everything else is dropped', () => {
    const queue = new LendingQueue();
    queue.push(bytesOf(0, 100));
    const piece = queue.lend();
    queue.clear();
    queue.push(bytesOf(50, 100));
    expect(piece?.equals(bytesOf(0, 100))).toBe(true);
    expect(queue.lend()?.equals(bytesOf(50, 100))).toBe(true);
    expect(queue.lend()).toBeUndefined();
  });

  it('takes a copy of what is pushed', () => {
    const queue = new LendingQueue();
    const mine = Buffer.from('mine');
    queue.push(mine);
    mine.fill(0);
    expect(queue.lend()?.toString()).toBe('mine');
  });
});
