import { expect, it } from 'vitest';
import { Limiter } from '../../src/local/limiter.ts';

it('runs a few at once, the others in order, also after failures', async () => {
  const limiter = new Limiter(2);
  let running = 0;
  let most = 0;
  const order: number[] = [];
  const tasks = Array.from({ length: 20 }, (_, index) =>
    limiter.run(async () => {
      order.push(index);
      most = Math.max(most, ++running);
      await new Promise((resolve) => setTimeout(resolve, 1));
      running--;
      if (index % 3 === 0) {
        throw new Error('fails');
      }
    }),
  );
  const results = await Promise.allSettled(tasks);
  expect(most).toBe(2);
  expect(order).toEqual(Array.from({ length: 20 }, (_, index) => index));
  expect(results.filter(({ status }) => status === 'rejected')).toHaveLength(7);
});
