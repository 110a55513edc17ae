import { execFile } from 'node:child_process';
import { access, mkdir, readFile, rename, rm, statfs, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { StatePaths } from './state-paths.ts';

const run = promisify(execFile);

const BTRFS_MAGIC = 0x9123683e;
/** btrfs does not make smaller ones; simple quotas want some room. */
const MIN_VOLUME_BYTES = 256 * 1024 * 1024;
const FREE_SPACE_SHARE = 0.8;
/** Small enough to lie in the metadata, and more than it has at first. */
const CLAIMING_FILES = 4_096;
const CLAIMED_BYTES = CLAIMING_FILES * 1_800;
const FILES_AT_ONCE = 64;

/**
 * Makes sure that the volume is there: the state directory itself where it lies on btrfs, else a sparse file mounted as btrfs. A mount from an
 * earlier life is adopted, a file that was being made is made anew. `onProblem` hears of what only makes it slower. Programs are started only here and in {@link unmountVolume}.
 */
export async function ensureVolume(
  paths: StatePaths,
  volumeBytes: number | undefined,
  onProblem: (problem: string) => void = () => undefined,
): Promise<void> {
  await mkdir(paths.volume, { recursive: true, mode: 0o711 });
  if (!(await isMounted(paths.volume)) && (await statfs(paths.state)).type !== BTRFS_MAGIC) {
    const isNew = !(await exists(paths.volumeImage));
    if (isNew) {
      await makeImage(paths, volumeBytes);
    }
    await command('mount', ['-t', 'btrfs', '-o', 'loop,noatime,nodatasum', paths.volumeImage, paths.volume]);
    if (isNew) {
      await claimMetadataRoom(paths.volume);
    }
  }
  await bypassOuterCache(paths).catch((error: unknown) =>
    onProblem(`the volume is cached twice, and slower for it: ${String(error)}`),
  );
  await mkdir(paths.subvolumes, { recursive: true, mode: 0o711 });
  await mkdir(paths.snapshots, { recursive: true, mode: 0o700 });
  await mkdir(paths.builds, { recursive: true, mode: 0o700 });
  await mkdir(paths.contexts, { recursive: true, mode: 0o700 });
  await mkdir(paths.memory, { recursive: true, mode: 0o700 });
}

/** Unmounts the volume; its loop device goes with it. Rejects while something still uses it. */
export async function unmountVolume(paths: StatePaths): Promise<void> {
  if (await isMounted(paths.volume)) {
    await command('umount', [paths.volume]);
  }
}

/**
 * The volume has a page cache of its own: that of the file below it would hold everything a second time, and write it to the disk only with the next sync.
 * Rejects where the file system below cannot do without it: all works then, slower.
 */
async function bypassOuterCache(paths: StatePaths): Promise<void> {
  if (!(await exists(paths.volumeImage))) {
    return;
  }
  const device = await command('losetup', ['--associated', paths.volumeImage, '--noheadings', '--output', 'NAME']);
  if (device !== '') {
    await command('losetup', ['--direct-io=on', device]);
  }
}

/**
 * Has btrfs set room for its metadata apart, by small files that it keeps there. A new file system has 8 MiB; once boxes have filled all the rest
 * with data there would be no more, and neither a directory nor a subvolume could be made, not even after they have cleared their disks again.
 */
async function claimMetadataRoom(volume: string): Promise<void> {
  const directory = join(volume, 'claim');
  await mkdir(directory);
  const content = Buffer.alloc(CLAIMED_BYTES / CLAIMING_FILES);
  for (let number = 0; number < CLAIMING_FILES; ) {
    const some = Array.from({ length: FILES_AT_ONCE }, () => join(directory, String(number++)));
    await Promise.all(some.map((path) => writeFile(path, content)));
  }
  await command('sync', ['--file-system', volume]);
  await rm(directory, { recursive: true });
}

async function makeImage(paths: StatePaths, volumeBytes: number | undefined): Promise<void> {
  const { bavail, bsize } = await statfs(paths.state);
  const wanted = volumeBytes ?? Math.floor(bavail * bsize * FREE_SPACE_SHARE);
  if (wanted < MIN_VOLUME_BYTES) {
    throw new Error(
      `no room for the volume: ${wanted} bytes, at least ${MIN_VOLUME_BYTES} are needed in ${paths.state}`,
    );
  }
  const unfinished = `${paths.volumeImage}.new`;
  await rm(unfinished, { force: true });
  await writeFile(unfinished, '', { mode: 0o600 });
  await truncate(unfinished, wanted);
  await command('mkfs.btrfs', ['--quiet', '--metadata', 'single', '--data', 'single', unfinished]);
  await rename(unfinished, paths.volumeImage);
}

async function isMounted(path: string): Promise<boolean> {
  const mountinfo = await readFile('/proc/self/mountinfo', 'utf8');
  return mountinfo.split('\n').some((line) => line.split(' ')[4] === path);
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** @returns the first line of what it printed */
async function command(file: string, args: readonly string[]): Promise<string> {
  try {
    const { stdout } = await run(file, args);
    return stdout.split('\n')[0] ?? '';
  } catch (error) {
    const stderr = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : '';
    throw new Error(`${file} failed: ${stderr || String(error)}`, { cause: error });
  }
}
