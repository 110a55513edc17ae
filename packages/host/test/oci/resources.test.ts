import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { boxResources, coresOf, parseCpuList } from '../../src/runtimes/oci/resources.ts';

const size = { cpus: 0.5, memoryBytes: 2 ** 29, diskBytes: 2 ** 30, processes: 100 };
const machine = { cpus: [0, 1, 2, 3], swapAccounting: true };

describe('resources of a box', () => {
  it('bound memory together with swap, where swap is counted', () => {
    expect(boxResources(size, 0, machine)).toMatchObject({ memory: { limit: 2 ** 29, swap: 2 ** 29 } });
    expect(boxResources(size, 0, { ...machine, swapAccounting: false })).toMatchObject({ memory: { limit: 2 ** 29 } });
  });

  it('hold fractions of a core by quota and weigh them by shares', () => {
    expect(boxResources(size, 0, machine)).toMatchObject({ cpu: { quota: 50_000, period: 100_000, shares: 512 } });
    expect(boxResources({ ...size, cpus: 0.001 }, 0, machine)).toMatchObject({ cpu: { quota: 1000, shares: 2 } });
  });

  it('give as many cores as nproc is to show, no more than there are, within the machine', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.1, max: 16, noNaN: true }),
        fc.nat(1000),
        fc.uniqueArray(fc.nat(127), { minLength: 1, maxLength: 8 }),
        (cpus, slot, available) => {
          const cores = coresOf(cpus, slot, available);
          expect(new Set(cores).size).toBe(Math.min(Math.ceil(cpus), available.length));
          expect(cores.every((core) => available.includes(core))).toBe(true);
        },
      ),
    );
  });

  it('spread neighbouring boxes over the cores', () => {
    expect([0, 1, 2, 3, 4].map((slot) => coresOf(1, slot, machine.cpus))).toEqual([[0], [1], [2], [3], [0]]);
    expect([0, 1].map((slot) => coresOf(2, slot, machine.cpus))).toEqual([
      [0, 1],
      [2, 3],
    ]);
  });

  it('read lists of cores', () => {
    expect(parseCpuList('0-2,5\n')).toEqual([0, 1, 2, 5]);
    expect(parseCpuList('\n')).toEqual([]);
  });
});
