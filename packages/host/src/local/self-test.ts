import { chown, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Isolation } from '../contract/index.ts';
import { listenOn } from '../link/socket-listener.ts';
import { cgroupDirectories } from '../runtimes/oci/cgroup-layout.ts';
import type { Runtime } from '../runtimes/runtime.ts';
import { cgroupsPathOf, type HostParts } from './host-parts.ts';

/** Not ids that a box can have here: the sweep takes their remains away. */
const selfTestId = (isolation: Isolation) => `self-test-${isolation}`;
/** Outer ids of root, beyond those of any box. */
const owners: Readonly<Record<Isolation, number>> = {
  container: 0xf000_0000,
  gvisor: 0xf001_0000,
  microvm: 0xf002_0000,
};
const SIZE = { cpus: 1, memoryBytes: 128 * 2 ** 20, diskBytes: 32 * 2 ** 20, processes: 16 };
const TIMEOUT_MS = 10_000;

/**
 * Starts and ends one box for real, on an empty image: runtime, user namespace, mounts, seccomp, cgroups and network as boxes get them, until its
 * guest has dialled.
 * @returns why it failed, undefined when it did not
 */
export async function selfTest(parts: HostParts, isolation: Isolation, runtime: Runtime): Promise<string | undefined> {
  const { helper, paths, cgroups, configuration } = parts;
  const id = selfTestId(isolation);
  const bundle = paths.bundle(id);
  const directories = cgroupDirectories(cgroups, cgroupsPathOf(configuration, id));
  const clean = async () => {
    await helper.call('cgroupsRemove', { paths: directories });
    await helper.call('subvolumeDelete', { path: paths.subvolume(id) });
    for (const path of [bundle, paths.link(id), runtime.stateDirectory(id)]) {
      await rm(path, { recursive: true, force: true });
    }
  };
  let guest: Awaited<ReturnType<typeof listenForGuest>> | undefined;
  try {
    await clean();
    await prepare(parts, isolation, runtime);
    guest = await listenForGuest(parts, isolation);
    const pidFile = join(bundle, 'pid');
    const { pid, startTimeTicks, netSlot } = await helper.call('boxStart', {
      boxId: id,
      bundle,
      layers: [{ path: join(bundle, 'image'), ownerBase: 0 }],
      upper: join(paths.subvolume(id), 'upper'),
      work: join(paths.subvolume(id), 'work'),
      ownerBase: owners[isolation],
      runtime: runtime.run(id, bundle, pidFile, join(bundle, 'runtime.log')),
      runtimeDelete: runtime.delete(id),
      pidFile,
      timeoutMs: TIMEOUT_MS,
    });
    const answered = await guest.dialled;
    const kill = { boxId: id, pid, startTimeTicks, netSlot, cgroups: directories, timeoutMs: TIMEOUT_MS };
    const { killed } = await helper.call('boxKill', kill);
    if (!killed) {
      return 'the guest ended by itself in the self-test';
    }
    return answered ? undefined : 'the guest did not reach the host in the self-test';
  } catch (error) {
    return `the self-test failed: ${error instanceof Error ? error.message : String(error)}`;
  } finally {
    guest?.close();
    await clean();
  }
}

/** Listens where the guest dials. */
async function listenForGuest({ paths }: HostParts, isolation: Isolation) {
  const owner = owners[isolation];
  const { promise: dialled, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => resolve(false), TIMEOUT_MS);
  const server = await listenOn(paths.linkSocket(selfTestId(isolation)), { uid: owner, gid: owner }, (socket) => {
    socket.destroy();
    resolve(true);
  });
  const close = () => {
    clearTimeout(timer);
    server.close();
  };
  return { dialled, close };
}

async function prepare(parts: HostParts, isolation: Isolation, runtime: Runtime): Promise<void> {
  const { helper, paths, configuration, machine, process } = parts;
  const id = selfTestId(isolation);
  const ownerBase = owners[isolation];
  const [bundle, link, meminfo] = [paths.bundle(id), paths.link(id), paths.meminfo(id)];
  await helper.call('subvolumeCreate', { path: paths.subvolume(id), limitBytes: SIZE.diskBytes, ownerBase });
  await writeFile(meminfo, '');
  await chown(meminfo, ownerBase, ownerBase);
  await mkdir(join(bundle, 'rootfs'), { recursive: true, mode: 0o711 });
  await mkdir(join(bundle, 'image'), { mode: 0o755 });
  await mkdir(link, { recursive: true, mode: 0o711 });
  await writeFile(join(link, 'meminfo'), '');
  const config = runtime.bundle({
    hostname: 'self-test',
    size: SIZE,
    slot: 0,
    ownerBase,
    cgroupsPath: cgroupsPathOf(configuration, id),
    files: { guestBinary: configuration.guestBinary, linkDirectory: link, meminfo },
    machine,
    process,
  });
  await writeFile(join(bundle, 'config.json'), JSON.stringify(config), { mode: 0o600 });
}
