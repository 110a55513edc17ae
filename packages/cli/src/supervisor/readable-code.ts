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
  return {
    before: ['unshare', '--mount', '--propagation', 'slave', 'sh', '-c', enterScript, 'sh', repository, place],
    path: (program) => join(place, program),
  };
};

/**
 * `$1` becomes visible at `$2`; the rest is the command. Volumes on loop devices are let go of first, for a copy of their mounts here would keep
 * them alive after the host has unmounted them; those that hold the code or the programs stay.
 */
const enterScript = `
findmnt --raw --noheadings --output TARGET,SOURCE | while read -r target source; do
  case $source in /dev/loop*) ;; *) continue ;; esac
  for needed in "$@"; do
    case $needed in "$target"/*) continue 2 ;; esac
  done
  umount --lazy "$target"
done
mount --bind "$1" "$2" && mount -o remount,bind,ro "$2" && shift 2 && exec "$@"
`;

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
