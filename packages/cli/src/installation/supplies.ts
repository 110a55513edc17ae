import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeAtomically } from './atomic-file.ts';
import type { StatePaths } from './paths.ts';

/** Variables that name the binaries and the image an installation was started with. */
const names = [
  'BERTH_GUEST_BINARY',
  'BERTH_HELPER_BINARY',
  'BERTH_IMAGE_ROOTFS',
  'BERTH_RUNTIME',
  'BERTH_RUNSC',
] as const;

const file = (paths: StatePaths): string => join(paths.state, 'supplies.json');

/** Keeps what the launcher named, so that a later stop uses the very same, whatever the sources have become by then. */
export const rememberSupplies = (paths: StatePaths): void => {
  const supplies = Object.fromEntries(names.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])));
  writeAtomically(file(paths), `${JSON.stringify(supplies, null, 2)}\n`);
};

export const recallSupplies = (paths: StatePaths): Readonly<Record<string, string>> => {
  try {
    return JSON.parse(readFileSync(file(paths), 'utf8')) as Record<string, string>;
  } catch {
    return {};
  }
};
