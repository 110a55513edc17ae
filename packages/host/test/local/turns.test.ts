import { describe, expect, it } from 'vitest';
import { Turns } from '../../src/local/turns.ts';

describe('turns', () => {
  it('come one after the other, also after one that failed, and names do not wait for each other', async () => {
    const turns = new Turns();
    const seen: string[] = [];
    const first = Promise.withResolvers<void>();
    const task = (name: string, before?: Promise<void>) => async () => {
      seen.push(`${name} begins`);
      await before;
      seen.push(`${name} ends`);
    };
    const all = [
      turns.run('a', task('one', first.promise)),
      turns.run('a', () => Promise.reject(new Error('failed'))),
      turns.run('a', task('three')),
    ];
    await turns.run('b', task('other'));
    expect(seen).toEqual(['one begins', 'other begins', 'other ends']);
    first.resolve();
    const outcomes = await Promise.allSettled(all);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(seen.slice(3)).toEqual(['one ends', 'three begins', 'three ends']);
  });
});
