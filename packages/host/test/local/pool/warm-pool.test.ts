import { afterEach, describe, expect, it } from 'vitest';
import { type Template, templateOf } from '../../../src/local/pool/template.ts';
import { type PoolWorks, WarmPool } from '../../../src/local/pool/warm-pool.ts';

const template = (layer: string): Template =>
  templateOf(
    {
      size: { cpus: 1, memoryBytes: 2 ** 28, diskBytes: 2 ** 28, processes: 64 },
      user: { name: 'user', uid: 1000, gid: 1000, home: '/home/user' },
    },
    'container',
    { layers: [{ path: layer, ownerBase: 0 }], environment: {} },
  );
const [a, b] = [template('/a'), template('/b')];
const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** A machine that starts boxes when told to. */
class Machine implements PoolWorks {
  readonly alive = new Set<string>();
  readonly dead = new Set<string>();
  busy = false;
  available = 2 ** 40;
  failing = false;
  started = 0;

  async start(place: string, _template: Template): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    if (this.failing) {
      throw new Error('no box today');
    }
    this.started++;
    this.alive.add(place);
  }
  async discard(place: string): Promise<void> {
    this.alive.delete(place);
  }
  newPlace(): string {
    return `p.${Math.random()}`;
  }
  isUsable(place: string): boolean {
    return !this.dead.has(place);
  }
  isBusy(): boolean {
    return this.busy;
  }
  async memoryOf(): Promise<number> {
    return 2 ** 20;
  }
  async availableBytes(): Promise<number> {
    return this.available;
  }
}

describe('the pool', () => {
  let pool: WarmPool | undefined;
  afterEach(() => pool?.close());

  function open(machine: Machine, budgetBytes = 2 ** 30): WarmPool {
    pool = new WarmPool({ works: machine, log: silent, budgetBytes, reserveBytes: 2 ** 30, startsAtOnce: () => 2 });
    return pool;
  }
  const ready = async () => (await pool?.figures())?.ready;

  it('is empty at first, keeps what is asked for, and gives each box once', async () => {
    const machine = new Machine();
    open(machine);
    expect(await ready()).toBe(0);
    expect([a, a, a, b, b].map((wish) => pool?.take(wish))).toEqual(Array.from({ length: 5 }));
    pool?.wake();
    await expect.poll(ready).toBe(5);
    const taken = [a, a, a, a, b].map((wish) => pool?.take(wish));
    expect(taken.filter((place) => place === undefined)).toEqual([undefined]);
    expect(new Set(taken).size).toBe(5);
    expect(await pool?.figures()).toMatchObject({ hits: 4, misses: 6 });
  });

  it('gives none that is dead, and removes it', async () => {
    const machine = new Machine();
    open(machine);
    pool?.take(a);
    pool?.take(a);
    pool?.wake();
    await expect.poll(ready).toBe(2);
    const [place = ''] = machine.alive;
    machine.dead.add(place);
    expect(pool?.take(a)).not.toBe(place);
    await expect.poll(() => machine.alive.has(place)).toBe(false);
  });

  it('starts nothing while creates wait, or memory is short, and gives all up when it is very short', async () => {
    const machine = new Machine();
    open(machine);
    pool?.take(a);
    pool?.take(a);
    for (const [busy, available] of [
      [true, 2 ** 40],
      [false, 0.9 * 2 ** 30],
    ] as const) {
      Object.assign(machine, { busy, available });
      pool?.wake();
      await new Promise((resolve) => setTimeout(resolve, 20));
      expect(machine.started).toBe(0);
    }
    machine.available = 2 ** 40;
    pool?.wake();
    await expect.poll(ready).toBe(2);
    machine.available = 2 ** 28;
    pool?.wake();
    await expect.poll(() => machine.alive.size).toBe(0);
  });

  it('does not go on when boxes do not start', async () => {
    const machine = new Machine();
    machine.failing = true;
    open(machine);
    pool?.take(a);
    pool?.take(a);
    pool?.wake();
    await new Promise((resolve) => setTimeout(resolve, 50));
    machine.failing = false;
    pool?.wake();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(machine.started).toBe(0);
    // After a while it tries again.
    await expect.poll(ready, { timeout: 10_000 }).toBe(2);
  });

  it('gives up what stands on a layer that is to go, also on its way', async () => {
    const machine = new Machine();
    open(machine);
    for (const wish of [a, a, b, b]) {
      pool?.take(wish);
    }
    pool?.wake();
    await expect.poll(ready).toBe(4);
    pool?.take(a);
    await pool?.release('/a');
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(await ready()).toBe(2);
    expect(machine.alive.size).toBe(3);
    expect(pool?.take(b)).toBeDefined();
  });

  it('leaves nothing when it is closed, whatever is on its way', async () => {
    const machine = new Machine();
    open(machine);
    for (let count = 0; count < 20; count++) {
      pool?.take(a);
    }
    pool?.wake();
    await expect.poll(() => machine.started).toBeGreaterThan(5);
    await pool?.close();
    expect(machine.alive.size).toBe(0);
  });
});
