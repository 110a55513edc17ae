import { readdirSync, readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import type { Span } from './allotment.ts';

/** Second bytes of the 10.x networks that this machine has addresses in or routes to. */
export const usedIpv4Networks = (routeTable: string = textOf('/proc/net/route')): Set<number> => {
  const used = new Set<number>();
  for (const addresses of Object.values(networkInterfaces())) {
    for (const { family, address } of addresses ?? []) {
      const [first, second] = address.split('.');
      if (family === 'IPv4' && first === '10') {
        used.add(Number(second));
      }
    }
  }
  for (const line of routeTable.split('\n').slice(1)) {
    const destination = line.split('\t')[1];
    if (destination?.endsWith('0A') && destination.length === 8) {
      used.add(Number.parseInt(destination.slice(4, 6), 16));
    }
  }
  return used;
};

/** Starts of the names of Berth's network devices that are there now. */
export const usedPrefixes = (): Set<string> => {
  const devices = readdirSync('/sys/class/net');
  return new Set(devices.flatMap((name) => /^(bth[0-9a-f]{3})-\d+$/.exec(name)?.[1] ?? []));
};

/** Ids of people, services and groups, and those that container programs have been given. */
export const usedIds = (etc = '/etc'): Span[] => [
  ...['passwd', 'group'].flatMap((name) =>
    fieldsOf(join(etc, name)).map(([, , id]) => ({ first: Number(id), last: Number(id) })),
  ),
  ...['subuid', 'subgid'].flatMap((name) =>
    fieldsOf(join(etc, name)).map(([, first, count]) => ({
      first: Number(first),
      last: Number(first) + Number(count) - 1,
    })),
  ),
];

const fieldsOf = (path: string): string[][] =>
  textOf(path)
    .split('\n')
    .map((line) => line.split(':'))
    .filter((fields) => fields.length >= 3);

const textOf = (path: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
};
