import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { StatePaths } from '../../src/local/state-paths.ts';
import { ensureVolume, unmountVolume } from '../../src/local/volume.ts';

const MIB = 2 ** 20;
const BTRFS = 0x9123683e;
const possible =
  process.getuid?.() === 0 &&
  existsSync('/dev/loop-control') &&
  ['/sbin', '/usr/sbin', '/usr/bin'].some((directory) => existsSync(join(directory, 'mkfs.btrfs')));

describe.skipIf(!possible)('the volume (needs root, loop devices and mkfs.btrfs)', () => {
  let paths: StatePaths;
  beforeEach(async () => {
    paths = new StatePaths(await mkdtemp(join(tmpdir(), 'berth-volume-')));
  });
  afterEach(async () => {
    await unmountVolume(paths);
    await rm(paths.state, { recursive: true });
  });

  it('is a sparse file, mounted as btrfs', async () => {
    await ensureVolume(paths, 512 * MIB);
    expect((await statfs(paths.volume)).type).toBe(BTRFS);
    const image = await stat(paths.volumeImage);
    expect(image.size).toBe(512 * MIB);
    expect(image.blocks * 512).toBeLessThan(64 * MIB);
    expect(image.mode & 0o077).toBe(0);
  });

  it('is written to the disk without a second cache', async (context) => {
    await ensureVolume(paths, 512 * MIB);
    const [device = ''] = execFileSync(
      'losetup',
      ['--associated', paths.volumeImage, '--output', 'NAME', '--noheadings'],
      {
        encoding: 'utf8',
      },
    ).split('\n');
    const isDirect = () =>
      execFileSync('losetup', ['--output', 'DIO', '--noheadings', device], { encoding: 'utf8' }).trim();
    try {
      execFileSync('losetup', ['--direct-io=on', device], { stdio: 'ignore' });
    } catch {
      context.skip('the file system below cannot do without its cache');
    }
    execFileSync('losetup', ['--direct-io=off', device]);
    expect(isDirect()).toBe('0');
    await ensureVolume(paths, 512 * MIB);
    expect(isDirect()).toBe('1');
    await unmountVolume(paths);
    await ensureVolume(paths, 512 * MIB);
    expect(isDirect()).toBe('1');
  });

  it('is adopted when it is mounted, and found again when it is not', async () => {
    await ensureVolume(paths, 512 * MIB);
    await writeFile(join(paths.subvolumes, 'kept'), 'kept');
    await ensureVolume(paths, 512 * MIB);
    const mounts = (await readFile('/proc/self/mountinfo', 'utf8'))
      .split('\n')
      .filter((line) => line.includes(paths.volume));
    expect(mounts).toHaveLength(1);
    await unmountVolume(paths);
    await ensureVolume(paths, undefined);
    expect(await readFile(join(paths.subvolumes, 'kept'), 'utf8')).toBe('kept');
  });

  it('that was being made when the host died is made anew', async () => {
    await mkdir(paths.volume, { recursive: true });
    await writeFile(`${paths.volumeImage}.new`, 'half a file system');
    await ensureVolume(paths, 512 * MIB);
    expect((await statfs(paths.volume)).type).toBe(BTRFS);
    expect(existsSync(`${paths.volumeImage}.new`)).toBe(false);
  });

  it('leaves no loop device behind', async () => {
    await ensureVolume(paths, 512 * MIB);
    await unmountVolume(paths);
    await unmountVolume(paths);
    expect(execFileSync('losetup', ['--associated', paths.volumeImage], { encoding: 'utf8' })).toBe('');
  });

  it('says how much room it needs', async () => {
    await expect(ensureVolume(paths, 10 * MIB)).rejects.toThrow(/no room for the volume/);
  });
});
