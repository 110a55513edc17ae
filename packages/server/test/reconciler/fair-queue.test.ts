import { describe, expect, it } from 'vitest';
import { FairQueue } from '../../src/reconciler/fair-queue.ts';

const never = new AbortController().signal;

/** A task that ends when told to. */
const task = (order: string[], name: string) => {
  let finish: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => {
    finish = resolve;
  });
  return {
    finish,
    run: async () => {
      order.push(name);
      await ended;
      return name;
    },
  };
};

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('FairQueue', () => {
  it('runs no more at once than it may', async () => {
    const queue = new FairQueue(2);
    const order: string[] = [];
    const tasks = ['a', 'b', 'c'].map((name) => task(order, name));
    const results = tasks.map((each) => queue.run('one', never, each.run));
    await turn();
    expect([order, queue.length]).toEqual([['a', 'b'], 1]);
    tasks[0]?.finish();
    await results[0];
    await turn();
    expect(order).toEqual(['a', 'b', 'c']);
    tasks[1]?.finish();
    tasks[2]?.finish();
    expect(await Promise.all(results)).toEqual(['a', 'b', 'c']);
    expect(queue.length).toBe(0);
  });

  it('takes the groups in turn, however long the line of one is', async () => {
    const queue = new FairQueue(1);
    const order: string[] = [];
    const names = ['big-1', 'big-2', 'big-3', 'big-4', 'small-1', 'other-1'];
    const tasks = names.map((name) => task(order, name));
    const results = tasks.map((each, at) => queue.run(names[at]?.split('-')[0] ?? '', never, each.run));
    for (const each of tasks) {
      each.finish();
    }
    await Promise.all(results);
    expect(order).toEqual(['big-1', 'big-2', 'small-1', 'other-1', 'big-3', 'big-4']);
  });

  it('goes on after a task that fails', async () => {
    const queue = new FairQueue(1);
    const failing = queue.run('one', never, () => Promise.reject(new Error('broken')));
    const next = queue.run('one', never, async () => 'next');
    await expect(failing).rejects.toThrow('broken');
    expect(await next).toBe('next');
  });

  it('lets who gives up leave the line without taking a place', async () => {
    const queue = new FairQueue(1);
    const order: string[] = [];
    const first = task(order, 'first');
    const running = queue.run('one', never, first.run);
    const gone = new AbortController();
    const left = queue.run('one', gone.signal, async () => order.push('left'));
    const last = queue.run('two', never, async () => order.push('last'));
    gone.abort(new Error('gave up'));
    await expect(left).rejects.toThrow('gave up');
    expect(queue.length).toBe(1);
    first.finish();
    await Promise.all([running, last]);
    expect(order).toEqual(['first', 'last']);
    await expect(queue.run('one', AbortSignal.abort(new Error('before')), async () => 1)).rejects.toThrow('before');
  });
});
