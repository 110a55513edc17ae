import { execFile, spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A detached container inherits its caller's descriptors: with pipes the call would never end. */
const detached = (file: string, argv: readonly string[]): Promise<void> =>
  new Promise((resolve, reject) => {
    const child = spawn(file, [...argv], { stdio: 'ignore' });
    child.on('error', reject);
    child.on('exit', (code) => (code === 0 ? resolve() : reject(new Error(`${file} ${argv.join(' ')}: exit ${code}`))));
  });

/** The peer: plain runc on the same image, with an overlay, its own namespaces and nothing of Berth. */
export interface RuncPeer {
  /** Mounts an overlay, runs the container detached. */
  start(id: string): Promise<void>;
  exec(id: string, argv: readonly string[]): Promise<void>;
  remove(id: string): Promise<void>;
  close(): Promise<void>;
}

/** The default image as `./berth up` has built it. */
export const imageRootfs = async (): Promise<string> => {
  if (process.env.BERTH_IMAGE_ROOTFS !== undefined) {
    return process.env.BERTH_IMAGE_ROOTFS;
  }
  const images = join(process.env.BERTH_CACHE ?? '/var/cache/berth', 'images');
  const found = (await readdir(images))
    .filter((name) => name.startsWith('default-'))
    .sort()
    .at(-1);
  if (found === undefined) {
    throw new Error(`no default image below ${images}: run ./berth up first`);
  }
  return join(images, found, 'rootfs');
};

export const runcPeer = async (): Promise<RuncPeer> => {
  const rootfs = await imageRootfs();
  const work = await mkdtemp(join(tmpdir(), 'berth-bench-runc-'));
  const root = join(work, 'state');
  const bundleOf = (id: string): string => join(work, id);

  const start = async (id: string): Promise<void> => {
    const bundle = bundleOf(id);
    await Promise.all(['rootfs', 'upper', 'work'].map((name) => mkdir(join(bundle, name), { recursive: true })));
    await run('mount', [
      '-t',
      'overlay',
      'overlay',
      '-o',
      `lowerdir=${rootfs},upperdir=${bundle}/upper,workdir=${bundle}/work`,
      `${bundle}/rootfs`,
    ]);
    await writeFile(join(bundle, 'config.json'), await spec(bundle));
    await detached('runc', ['--root', root, 'run', '--detach', '--bundle', bundle, id]);
  };

  const remove = async (id: string): Promise<void> => {
    await run('runc', ['--root', root, 'delete', '--force', id]).catch(() => undefined);
    await run('umount', [join(bundleOf(id), 'rootfs')]).catch(() => undefined);
    await rm(bundleOf(id), { recursive: true, force: true });
  };

  return {
    start,
    exec: async (id, argv) => {
      await run('runc', ['--root', root, 'exec', id, ...argv]);
    },
    remove,
    close: () => rm(work, { recursive: true, force: true }),
  };
};

const spec = async (bundle: string): Promise<string> => {
  await run('runc', ['spec', '--bundle', bundle]);
  const config = JSON.parse(await readFile(join(bundle, 'config.json'), 'utf8'));
  config.process.terminal = false;
  config.process.args = ['sleep', 'infinity'];
  config.root.readonly = false;
  return JSON.stringify(config);
};
