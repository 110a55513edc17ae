import { existsSync, readdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** Where the checkout is. */
export const checkout = resolve(import.meta.dirname, '../..');

/** Folder of built things that outlive an installation. */
export const cache = process.env['BERTH_CACHE'] ?? '/var/cache/berth';

/** Files a platform needs that are built beforehand, by `./berth` or by hand. */
export interface Artifacts {
  readonly node: string;
  readonly guestBinary: string;
  readonly helperBinary: string;
  readonly imageRootfs: string;
}

const named = (variable: string, what: string, fallback: () => string | undefined): string => {
  const path = process.env[variable] ?? fallback();
  if (path === undefined || !existsSync(path)) {
    throw new Error(`${what} is missing (${path ?? 'not built'}): run ./berth up once, or name it by ${variable}`);
  }
  return path;
};

/** The newest folder of the cache that holds a file of this name; `./berth` keeps one for each state of the sources. */
const newest = (folder: string, file: string): string | undefined => {
  const base = join(cache, folder);
  return (existsSync(base) ? readdirSync(base) : [])
    .map((entry) => join(base, entry, file))
    .filter((path) => !path.includes('.partial') && existsSync(path))
    .sort((one, other) => statSync(other).ctimeMs - statSync(one).ctimeMs)[0];
};

/** Finds them by environment, which `./berth test` sets, else the newest in the cache; throws with the way to make what is missing. */
export function artifacts(): Artifacts {
  return {
    node: process.execPath,
    guestBinary: named('BERTH_GUEST_BINARY', 'the guest agent', () => newest('bin', 'berth-guest')),
    helperBinary: named('BERTH_HELPER_BINARY', 'the host helper', () => newest('bin', 'berth-helper')),
    imageRootfs: named('BERTH_IMAGE_ROOTFS', 'the default image', () => newest('images', 'rootfs')),
  };
}

/** runsc, where `./berth test` or an earlier `./berth up` found or built one. */
export const runsc = (): string | undefined => process.env['BERTH_RUNSC'] || newest('runsc', 'runsc');
