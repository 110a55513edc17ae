import { execFile } from 'node:child_process';
import { access, mkdir, readFile, rename, rm, statfs, truncate, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import type { StatePaths } from './state-paths.ts';

const run = promisify(execFile);

const BTRFS_MAGIC = 0x9123683e;
/** btrfs does not make smaller ones; simple quotas want some room. */
const MIN_VOLUME_BYTES = 256 * 1024 * 1024;
const FREE_SPACE_SHARE = 0.8;

/**
 * Makes sure that the volume is there: the state directory itself where it lies on btrfs, else a sparse file mounted as btrfs. A mount from an
 * earlier life is adopted, a file that was being made is made anew. Programs are started only here and in {@link unmountVolume}.
 */
export async function ensureVolume(paths: StatePaths, volumeBytes: number | undefined): Promise<void> {
  await mkdir(paths.volume, { recursive: true, mode: 0o711 });
  if (!(await isMounted(paths.volume)) && (await statfs(paths.state)).type !== BTRFS_MAGIC) {
    if (!(await exists(paths.volumeImage))) {
      await makeImage(paths, volumeBytes);
    }
    await command('mount', ['-t', 'btrfs', '-o', 'loop,noatime,nodatasum', paths.volumeImage, paths.volume]);
  }
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

async function command(file: string, args: readonly string[]): Promise<void> {
  try {
    await run(file, args);
  } catch (error) {
    const stderr = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : '';
    throw new Error(`${file} failed: ${stderr || String(error)}`, { cause: error });
  }
}
