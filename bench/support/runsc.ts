import { execFile, spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { holder, untilHeld } from './holding.ts';
import { imageRootfs } from './runc.ts';

const run = promisify(execFile);

/** The peer: plain runsc on the same image, with an overlay, a network namespace of its own and nothing of Berth. Each call is what its name says, no more. */
export interface RunscPeer {
  /** Mounts an overlay and writes a bundle. */
  prepare(id: string): Promise<void>;
  run(id: string): Promise<void>;
  exec(id: string, argv: readonly string[]): Promise<void>;
  pause(id: string): Promise<void>;
  unpause(id: string): Promise<void>;
  /** Of a paused container, which stays so. */
  checkpoint(id: string, image: string): Promise<void>;
  /** Brings an image to the disk. */
  sync(image: string): Promise<void>;
  /** Starts a prepared container out of an image. */
  restore(id: string, image: string): Promise<void>;
  remove(id: string): Promise<void>;
  /** A directory for images, gone with `close`. */
  readonly images: string;
  close(): Promise<void>;
}

/** `BERTH_PEER_RUNSC`, else the program that the boxes have: that of the launcher, or the newest that it has built. */
const program = async (): Promise<string> => {
  const named = process.env['BERTH_PEER_RUNSC'] || process.env['BERTH_RUNSC'];
  if (named) {
    return named;
  }
  const cache = join(process.env['BERTH_CACHE'] ?? '/var/cache/berth', 'runsc');
  const names = (await readdir(cache).catch(() => [])).filter((name) => !name.includes('.'));
  const built = await Promise.all(
    names.map(async (name) => ({ name, madeMs: (await stat(join(cache, name))).mtimeMs })),
  );
  const newest = built.toSorted((one, other) => other.madeMs - one.madeMs)[0];
  if (newest === undefined) {
    throw new Error(`no runsc below ${cache}: run ./berth setup first`);
  }
  return join(cache, newest.name, 'runsc');
};

/**
 * @param cpus as many as the boxes have that it is compared to
 * @param parent of its files; for what is written to disk the volume of the boxes is the fair place
 */
export const runscPeer = async (cpus: number, parent = tmpdir()): Promise<RunscPeer> => {
  const [runsc, rootfs] = [await program(), await imageRootfs()];
  const work = await mkdtemp(join(parent, 'bench-runsc-'));
  const bundleOf = (id: string) => join(work, id);
  const flags = ['--root', join(work, 'state'), '--network=sandbox', '--overlay2=none', '--host-settings=ignore'];
  /** A container keeps its caller's descriptors: with pipes the call would never end. */
  const call = (...argv: string[]): Promise<void> =>
    new Promise((resolve, reject) => {
      const child = spawn(runsc, [...flags, ...argv], { stdio: 'ignore' });
      child.on('error', reject);
      child.on('exit', (code) => (code === 0 ? resolve() : reject(new Error(`runsc ${argv.join(' ')}: exit ${code}`))));
    });

  const prepare = async (id: string): Promise<void> => {
    const bundle = bundleOf(id);
    await Promise.all(['rootfs', 'upper', 'work'].map((name) => mkdir(join(bundle, name), { recursive: true })));
    const options = `lowerdir=${rootfs},upperdir=${bundle}/upper,workdir=${bundle}/work`;
    await run('mount', ['-t', 'overlay', 'overlay', '-o', options, `${bundle}/rootfs`]);
    await writeFile(join(bundle, 'config.json'), JSON.stringify(spec(id, cpus)));
  };

  return {
    images: join(work, 'images'),
    prepare,
    run: (id) => call('run', '--detach', '--bundle', bundleOf(id), id),
    exec: (id, argv) => call('exec', id, ...argv),
    pause: (id) => call('pause', id),
    unpause: (id) => call('resume', id),
    checkpoint: (id, image) => call('checkpoint', '--leave-running', '--compression=none', '--image-path', image, id),
    sync: async (image) => {
      await run('sync', ['--file-system', image]);
    },
    restore: (id, image) => call('restore', '--detach', '--bundle', bundleOf(id), '--image-path', image, id),
    remove: async (id) => {
      await call('delete', '--force', id).catch(() => undefined);
      await run('umount', [join(bundleOf(id), 'rootfs')]).catch(() => undefined);
      await rm(bundleOf(id), { recursive: true, force: true });
    },
    close: async () => {
      // runsc keeps an empty network namespace for its gofers there.
      await run('umount', [join(work, 'state/null-netns')]).catch(() => undefined);
      await rm(work, { recursive: true, force: true });
    },
  };
};

/** Has a program in a running container hold so many random bytes, and waits until it does. */
export const hold = async (peer: RunscPeer, id: string, memoryBytes: number): Promise<void> => {
  await peer.exec(id, ['sh', '-c', `setsid ${holder(memoryBytes)} >/dev/null 2>&1 & ${untilHeld}`]);
};

const spec = (id: string, cpus: number): object => ({
  ociVersion: '1.0.2',
  hostname: id,
  root: { path: 'rootfs' },
  process: {
    user: { uid: 0, gid: 0 },
    cwd: '/',
    args: ['sleep', 'infinity'],
    env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'],
  },
  mounts: [
    { destination: '/proc', type: 'proc', source: 'proc' },
    { destination: '/dev', type: 'tmpfs', source: 'tmpfs' },
    { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['ro'] },
  ],
  linux: {
    cgroupsPath: `/bench-runsc/${id}`,
    namespaces: ['pid', 'ipc', 'uts', 'mount', 'network'].map((type) => ({ type })),
    resources: { memory: { limit: 2 ** 30 }, cpu: { quota: Math.round(cpus * 100_000), period: 100_000 } },
  },
});
