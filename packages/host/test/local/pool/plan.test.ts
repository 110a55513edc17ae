import { describe, expect, it } from 'vitest';
import { DEMAND_WINDOW_MS, Demand } from '../../../src/local/pool/demand.ts';
import { planPool } from '../../../src/local/pool/plan.ts';
import { type Template, templateOf } from '../../../src/local/pool/template.ts';

const user = { name: 'user', uid: 1000, gid: 1000, home: '/home/user' };
const size = { cpus: 1, memoryBytes: 2 ** 28, diskBytes: 2 ** 28, processes: 64 };
const template = (layer: string, change: Partial<typeof size> = {}): Template =>
  templateOf({ size: { ...size, ...change }, user }, 'container', {
    layers: [{ path: layer, ownerBase: 0 }],
    environment: { B: '2', A: '1' },
  });

describe('templates', () => {
  it('are the same for the same box, and another for each difference', () => {
    const image = { layers: [{ path: '/a', ownerBase: 0 }], environment: { A: '1', B: '2' } };
    const key = templateOf({ size, user }, 'container', image).key;
    expect(template('/a').key).toBe(key);
    const others = [
      templateOf({ size, user }, 'gvisor', image),
      templateOf({ size: { ...size, cpus: 2 }, user }, 'container', image),
      templateOf({ size, user: { ...user, uid: 1001 } }, 'container', image),
      templateOf({ size, user }, 'container', { ...image, environment: { A: '1' } }),
      templateOf({ size, user }, 'container', { ...image, layers: [{ path: '/a', ownerBase: 65536 }] }),
      templateOf({ size, user }, 'container', { ...image, layers: [...image.layers, { path: '/b', ownerBase: 0 }] }),
    ];
    expect(new Set([key, ...others.map((other) => other.key)]).size).toBe(others.length + 1);
  });
});

describe('demand', () => {
  it('is what came at once, most wanted first, and nothing after a while', () => {
    const demand = new Demand();
    const [often, twice] = [template('/often'), template('/twice')];
    demand.note(template('/once'), 0);
    demand.note(twice, 0);
    demand.note(twice, 5_000);
    for (let count = 0; count < 100; count++) {
      demand.note(often, 1000 + count * 100);
    }
    const counts = (nowMs: number) => demand.wanted(nowMs).map((wanted) => [wanted.template, wanted.count]);
    expect(counts(11_000)).toEqual([
      [often, 30],
      [twice, 1],
    ]);
    expect(counts(DEMAND_WINDOW_MS + 1)).toEqual([[often, 2]]);
    expect(counts(DEMAND_WINDOW_MS + 11_000)).toEqual([]);
  });

  it('of a burst halves with each minute, so that the pool shrinks when the load is over', () => {
    const demand = new Demand();
    const wish = template('/burst');
    for (let count = 0; count < 100; count++) {
      demand.note(wish, count);
    }
    const minutes = [0, 1, 2, 3, 4, 5].map((minute) => demand.wanted(1_000 + minute * 60_000)[0]?.count ?? 0);
    expect(minutes).toEqual([100, 50, 25, 13, 7, 0]);
    demand.note(wish, 400_000);
    demand.note(wish, 400_001);
    expect(demand.wanted(400_002)).toMatchObject([{ count: 2 }]);
  });

  it('ends with what the template stood on', () => {
    const demand = new Demand();
    for (const layer of ['/gone', '/kept', '/gone', '/kept']) {
      demand.note(template(layer), 0);
    }
    demand.forget('/gone');
    expect(demand.wanted(1)).toMatchObject([{ template: { key: template('/kept').key } }]);
  });
});

describe('the plan', () => {
  const MIB = 2 ** 20;
  const kept = (of: Template, ...places: string[]) => places.map((place) => ({ place, template: of }));
  const [a, b] = [template('/a'), template('/b')];
  const plan = (
    wanted: Parameters<typeof planPool>[0],
    boxes: Parameters<typeof planPool>[1],
    budgetBytes = 100 * MIB,
  ) => {
    const { start, drop } = planPool(wanted, boxes, budgetBytes, () => 10 * MIB);
    return {
      start: start.map(({ key }) => (key === a.key ? 'a' : 'b')).join(''),
      drop: drop.map(({ place }) => place),
    };
  };

  it('starts what is missing and drops what nobody wants', () => {
    const wanted = [
      { template: a, count: 3 },
      { template: b, count: 1 },
    ];
    expect(plan(wanted, kept(a, '1'))).toEqual({ start: 'aab', drop: [] });
    expect(plan(wanted, [...kept(a, '1', '2', '3', '4'), ...kept(b, '5')])).toEqual({ start: '', drop: ['4'] });
    expect(plan([], kept(a, '1', '2'))).toEqual({ start: '', drop: ['1', '2'] });
  });

  it('stays within the budget, the most wanted first', () => {
    const wanted = [
      { template: a, count: 3 },
      { template: b, count: 5 },
    ];
    expect(plan(wanted, kept(b, '1', '2', '3'), 45 * MIB)).toEqual({ start: 'aaa', drop: ['2', '3'] });
    expect(plan(wanted, kept(a, '1'), 9 * MIB)).toEqual({ start: '', drop: ['1'] });
  });
});
