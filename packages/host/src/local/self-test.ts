import { chown, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bundleConfig, ownerBaseOf } from '../runtimes/oci/bundle-config.ts';
import { cgroupDirectories } from '../runtimes/oci/cgroup-layout.ts';
import { cgroupsPathOf, type HostParts } from './host-parts.ts';

/** Not an id that a box can have here: the sweep takes its remains away. */
const SELF_TEST_ID = 'self-test';
const SELF_TEST_SLOT = 60_000;
const SIZE = { cpus: 1, memoryBytes: 64 * 2 ** 20, diskBytes: 32 * 2 ** 20, processes: 16 };
const TIMEOUT_MS = 10_000;

/**
 * Starts and ends one box for real, on an empty image: runtime, user namespace, mounts, seccomp, cgroups and network as boxes get them.
 * @returns why it failed, undefined when it did not
 */
export async function selfTest(parts: HostParts): Promise<string | undefined> {
  const { helper, paths, runtime, cgroups, configuration } = parts;
  const bundle = paths.bundle(SELF_TEST_ID);
  const directories = cgroupDirectories(cgroups, cgroupsPathOf(configuration, SELF_TEST_ID));
  const clean = async () => {
    await helper.call('cgroupsRemove', { paths: directories });
    await helper.call('subvolumeDelete', { path: paths.subvolume(SELF_TEST_ID) });
    for (const path of [bundle, paths.link(SELF_TEST_ID), runtime.stateDirectory(SELF_TEST_ID)]) {
      await rm(path, { recursive: true, force: true });
    }
  };
  try {
    await clean();
    await prepare(parts, bundle);
    const pidFile = join(bundle, 'pid');
    const { pid, startTimeTicks, netSlot } = await helper.call('boxStart', {
      boxId: SELF_TEST_ID,
      bundle,
      layers: [{ path: join(bundle, 'image'), ownerBase: 0 }],
      upper: join(paths.subvolume(SELF_TEST_ID), 'upper'),
      work: join(paths.subvolume(SELF_TEST_ID), 'work'),
      ownerBase: ownerBaseOf(SELF_TEST_SLOT),
      runtime: runtime.run(SELF_TEST_ID, bundle, pidFile, join(bundle, 'runtime.log')),
      runtimeDelete: runtime.delete(SELF_TEST_ID),
      pidFile,
      timeoutMs: TIMEOUT_MS,
    });
    const kill = { boxId: SELF_TEST_ID, pid, startTimeTicks, netSlot, cgroups: directories, timeoutMs: TIMEOUT_MS };
    const { killed } = await helper.call('boxKill', kill);
    return killed ? undefined : 'the guest ended by itself in the self-test';
  } catch (error) {
    return `the self-test failed: ${error instanceof Error ? error.message : String(error)}`;
  } finally {
    await clean();
  }
}

async function prepare(parts: HostParts, bundle: string): Promise<void> {
  const { helper, paths, configuration, machine, process } = parts;
  const ownerBase = ownerBaseOf(SELF_TEST_SLOT);
  const link = paths.link(SELF_TEST_ID);
  const meminfo = paths.meminfo(SELF_TEST_ID);
  await helper.call('subvolumeCreate', { path: paths.subvolume(SELF_TEST_ID), limitBytes: SIZE.diskBytes, ownerBase });
  await writeFile(meminfo, '');
  await chown(meminfo, ownerBase, ownerBase);
  await mkdir(join(bundle, 'rootfs'), { recursive: true, mode: 0o711 });
  await mkdir(join(bundle, 'image'), { mode: 0o755 });
  await mkdir(link, { recursive: true, mode: 0o711 });
  await writeFile(join(link, 'meminfo'), '');
  const config = bundleConfig({
    hostname: SELF_TEST_ID,
    size: SIZE,
    slot: SELF_TEST_SLOT,
    cgroupsPath: cgroupsPathOf(configuration, SELF_TEST_ID),
    files: { guestBinary: configuration.guestBinary, linkDirectory: link, meminfo },
    machine,
    process,
  });
  await writeFile(join(bundle, 'config.json'), JSON.stringify(config), { mode: 0o600 });
}
