import { mkdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { SystemAccount } from '../installation/accounts.ts';
import { repositoryDirectory, type StatePaths } from '../installation/paths.ts';

/** How a program of this repository is started as another account. */
export interface CodeAccess {
  /** Arguments before the command. */
  readonly before: readonly string[];
  /** Path of a program of the repository, as the command sees it. */
  readonly path: (program: string) => string;
}

/**
 * Lets the account read this repository. Where it lies below a directory that is closed to others (a clone in somebody's home), the command
 * gets a mount namespace of its own, in which the repository is visible, read-only, below the state directory.
 */
export const codeAccess = (paths: StatePaths, account: SystemAccount): CodeAccess => {
  const repository = repositoryDirectory();
  if (isSearchable(repository, account)) {
    return { before: [], path: (program) => join(repository, program) };
  }
  const place = join(paths.run, 'code');
  mkdirSync(place, { recursive: true, mode: 0o755 });
  const script = 'mount --bind "$1" "$2" && mount -o remount,bind,ro "$2" && shift 2 && exec "$@"';
  return {
    before: ['unshare', '--mount', '--propagation', 'slave', 'sh', '-c', script, 'sh', repository, place],
    path: (program) => join(place, program),
  };
};

const searchByOwner = 0o100;
const searchByGroup = 0o010;
const searchByOthers = 0o001;

/** Whether the account may pass through the directory and all above it. */
const isSearchable = (directory: string, account: SystemAccount): boolean => {
  const { uid, gid, mode } = statSync(directory);
  const bit = uid === account.uid ? searchByOwner : gid === account.gid ? searchByGroup : searchByOthers;
  const parent = dirname(directory);
  return (mode & bit) !== 0 && (parent === directory || isSearchable(parent, account));
};
