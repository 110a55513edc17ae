import { readdir, rm, rmdir } from 'node:fs/promises';
import { HelperProcess } from '../helper/helper-process.ts';
import { cgroupDirectories, detectCgroups } from '../runtimes/oci/cgroup-layout.ts';
import type { HostConfiguration } from './configuration.ts';
import { cgroupParent, type Log, networkTable } from './host-parts.ts';
import { openLocalHost } from './open-local-host.ts';
import { StatePaths } from './state-paths.ts';
import { unmountVolume } from './volume.ts';

/**
 * Takes an installation's kernel objects away while no host process runs: network table, interfaces, cgroup parents, the volume's mount. With
 * `all` its boxes, their snapshots and the volume itself go first; without, nothing is done while a box has processes.
 * @returns how many boxes have processes still
 */
export async function removeInstallation(
  configuration: HostConfiguration,
  { all, log }: { readonly all: boolean; readonly log: Log },
): Promise<number> {
  const paths = new StatePaths(configuration.stateDirectory);
  const kept = [paths.bundles, paths.subvolumes, paths.snapshots];
  if (all && (await Promise.all(kept.map(count))).some((entries) => entries > 0)) {
    const host = await openLocalHost(configuration, log);
    for (const { id } of await host.list()) {
      await host.destroy(id);
    }
    for (const { id } of await host.snapshots()) {
      await host.deleteSnapshot(id);
    }
    await host.close();
  }
  const left = await count(paths.bundles);
  if (left > 0) {
    return left;
  }
  await removeKernelObjects(configuration);
  await unmountVolume(paths);
  if (all) {
    await rm(paths.volumeImage, { force: true });
    await rmdir(paths.volume).catch(() => undefined);
  }
  return 0;
}

async function removeKernelObjects(configuration: HostConfiguration): Promise<void> {
  const ended = Promise.withResolvers<void>();
  const helper = new HelperProcess(
    configuration.helperBinary,
    () => undefined,
    () => ended.resolve(),
  );
  const { interfacePrefix } = configuration;
  await helper.call('networkTeardown', { table: networkTable(configuration), interfacePrefix });
  const parents = cgroupDirectories(await detectCgroups(), cgroupParent(configuration));
  await helper.call('cgroupsRemove', { paths: parents });
  helper.close();
  await ended.promise;
}

async function count(directory: string): Promise<number> {
  return (await readdir(directory).catch(() => [])).length;
}
