import { describe, expect, it } from 'vitest';
import { freeOwners, freePrefix, freeSubnet } from './allotment.ts';
import { usedIpv4Networks } from './machine.ts';

describe('what an installation gets for itself', () => {
  it('is the next network when one is in use, and none when all are', () => {
    const wished = freeSubnet('/state', new Set());
    const second = Number(wished?.split('.')[1]);
    expect(wished).toBe(`10.${second}.0.0/16`);
    expect(freeSubnet('/state', new Set([second]))).not.toBe(wished);
    expect(freeSubnet('/state', new Set(Array.from({ length: 256 }, (_, number) => number)))).toBeUndefined();
  });

  it('is the next device name when one is taken', () => {
    const wished = freePrefix('/state', new Set());
    expect(wished).toMatch(/^bth[0-9a-f]{3}$/);
    expect(freePrefix('/state', new Set([wished ?? '']))).not.toBe(wished);
  });

  it('is a smaller range of ids where no large one is left, and none when all are taken', () => {
    expect(freeOwners([])).toEqual({ firstOwner: 0x7000_0000, ownerBoxes: 4_096 });
    const hole = freeOwners([
      { first: 0, last: 0x4fff_ffff },
      { first: 0x5400_0000, last: 0x7fff_ffff },
    ]);
    expect(hole).toEqual({ firstOwner: 0x5000_0000, ownerBoxes: 1_024 });
    expect(freeOwners([{ first: 0, last: 0x7fff_ffff }])).toBeUndefined();
  });

  it('reads networks in use from the routing table', () => {
    const table = 'Iface\tDestination\tGateway\neth0\t00004D0A\t00000000\neth0\t0000A8C0\t00000000\n';
    expect(usedIpv4Networks(table).has(77)).toBe(true);
    expect(usedIpv4Networks(table).has(168)).toBe(false);
  });
});
