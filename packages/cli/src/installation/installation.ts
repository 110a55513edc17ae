import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeAtomically } from './atomic-file.ts';
import type { StatePaths } from './paths.ts';
import { type Allotment, allot, list, type Machine, thisMachine } from './registry.ts';

/** What is decided once for an installation, so that two of them on one machine do not get in each other's way. */
export interface Installation extends Allotment {
  /** TCP port of the API. */
  readonly port: number;
  readonly createdMs: number;
}

export const defaultPort = 8080;

/** What every installation had before each got user ids of its own. */
const firstOwners = { firstOwner: 1_000_000, ownerBoxes: 4_096 } as const;

/** Reads the installation's file; undefined when there is none. */
export const readInstallation = (paths: StatePaths): Installation | undefined =>
  existsSync(paths.installation)
    ? { ...firstOwners, ...(JSON.parse(readFileSync(paths.installation, 'utf8')) as Installation) }
    : undefined;

/**
 * Reads the installation's file or makes it. A port that is named now replaces the one remembered.
 * @param machine where the installations of a machine are listed, and what else is taken there
 * @throws Error when the machine has nothing left of what an installation needs for itself
 */
export const ensureInstallation = (
  paths: StatePaths,
  port: number | undefined,
  machine: Machine = thisMachine,
): Installation => {
  const known = readInstallation(paths);
  const createdMs = known?.createdMs ?? Date.now();
  // Disks that lost the file beside them still belong to the ids of their boxes.
  const hasBoxes = existsSync(join(paths.state, 'host', 'host.sqlite'));
  const { subnet, interfacePrefix, firstOwner, ownerBoxes } =
    known ?? allot({ state: paths.state, createdMs, machine, inherited: hasBoxes ? firstOwners : undefined });
  const installation = {
    port: port ?? known?.port ?? defaultPort,
    subnet,
    interfacePrefix,
    firstOwner,
    ownerBoxes,
    createdMs,
  };
  if (known !== undefined) {
    list(machine, { ...installation, state: paths.state });
  }
  if (!existsSync(paths.installation) || readFileSync(paths.installation, 'utf8') !== fileOf(installation)) {
    writeAtomically(paths.installation, fileOf(installation));
  }
  return installation;
};

const fileOf = (installation: Installation): string => `${JSON.stringify(installation, null, 2)}\n`;
