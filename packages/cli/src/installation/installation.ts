import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { writeAtomically } from './atomic-file.ts';
import type { StatePaths } from './paths.ts';

/** What is decided once for an installation, so that two of them on one machine do not get in each other's way. */
export interface Installation {
  /** TCP port of the API. */
  readonly port: number;
  /** Network of the boxes, a /16. */
  readonly subnet: string;
  /** Start of the names of this installation's network devices. */
  readonly interfacePrefix: string;
  readonly createdMs: number;
}

export const defaultPort = 8080;

/** Reads the installation's file; undefined when there is none. */
export const readInstallation = (paths: StatePaths): Installation | undefined =>
  existsSync(paths.installation) ? (JSON.parse(readFileSync(paths.installation, 'utf8')) as Installation) : undefined;

/** Reads the installation's file or makes it. A port that is named now replaces the one remembered. */
export const ensureInstallation = (paths: StatePaths, port: number | undefined): Installation => {
  const known = readInstallation(paths);
  const installation: Installation = {
    port: port ?? known?.port ?? defaultPort,
    subnet: known?.subnet ?? freeSubnet(paths.state, usedIpv4Networks()),
    interfacePrefix: known?.interfacePrefix ?? `bth${digest(paths.state).slice(0, 3)}`,
    createdMs: known?.createdMs ?? Date.now(),
  };
  if (JSON.stringify(installation) !== JSON.stringify(known)) {
    writeAtomically(paths.installation, `${JSON.stringify(installation, null, 2)}\n`);
  }
  return installation;
};

const digest = (text: string): string => createHash('sha256').update(text).digest('hex');

/**
 * A /16 of 10.0.0.0/8, chosen by the state path and stepped on while the machine uses it already.
 * @param used second bytes of the 10.x networks in use
 */
export const freeSubnet = (state: string, used: ReadonlySet<number>): string => {
  const first = 64;
  const count = 190;
  const start = Number.parseInt(digest(state).slice(0, 8), 16) % count;
  for (let step = 0; step < count; step += 1) {
    const second = first + ((start + step) % count);
    if (!used.has(second)) {
      return `10.${second}.0.0/16`;
    }
  }
  throw new Error('no free network of the form 10.x.0.0/16 is left on this machine');
};

/** Second bytes of the 10.x networks that this machine has addresses in or routes to. */
export const usedIpv4Networks = (routeTable: string = routes()): Set<number> => {
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

const routes = (): string => {
  try {
    return readFileSync('/proc/net/route', 'utf8');
  } catch {
    return '';
  }
};
