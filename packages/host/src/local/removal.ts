import { readdir, rm, rmdir } from 'node:fs/promises';
import type { BoxPhase, Host } from '../contract/index.ts';
import { HelperProcess } from '../helper/helper-process.ts';
import { cgroupDirectories, detectCgroups } from '../runtimes/oci/cgroup-layout.ts';
import type { HostConfiguration } from './configuration.ts';
import { cgroupParent, type Log, networkTable } from './host-parts.ts';
import type { LocalHost } from './local-host.ts';
import { openLocalHost } from './open-local-host.ts';
import { isPoolPlace } from './pool/pool-place.ts';
import { StatePaths } from './state-paths.ts';
import { unmountVolume } from './volume.ts';

/**
 * What goes before the kernel objects do: nothing; the boxes that have processes; every box; or every box, every snapshot and the volume itself.
 */
export type Removal = 'nothing' | 'running' | 'boxes' | 'all';

/**
 * Takes an installation's kernel objects away while no host process runs: network table, interfaces, cgroup parents, the volume's mount.
 * Nothing is done while a box has processes.
 * @param first what is destroyed before
 * @returns how many boxes have processes still
 */
export async function removeInstallation(
  configuration: HostConfiguration,
  { first, log }: { readonly first: Removal; readonly log: Log },
): Promise<number> {
  const paths = new StatePaths(configuration.stateDirectory);
  const kept = [paths.bundles, paths.subvolumes, paths.snapshots];
  if (first !== 'nothing' && (await Promise.all(kept.map(count))).some((entries) => entries > 0)) {
    await withHost(configuration, log, (host) => destroyFirst(host, first));
  } else if (await onlyPoolRuns(paths)) {
    // Opening it is enough: a pool that nobody ended is given up by the next host.
    await withHost(configuration, log, async () => undefined);
  }
  const left = await count(paths.bundles);
  if (left > 0) {
    return left;
  }
  await removeKernelObjects(configuration);
  await unmountVolume(paths);
  if (first === 'all') {
    await rm(paths.volumeImage, { force: true });
    await rmdir(paths.volume).catch(() => undefined);
  }
  return 0;
}

async function destroyFirst(host: Host, first: Exclude<Removal, 'nothing'>): Promise<void> {
  for (const { id, phase } of await host.list()) {
    if (first !== 'running' || !restful.has(phase)) {
      await host.destroy(id);
    }
  }
  for (const { id } of first === 'all' ? await host.snapshots() : []) {
    await host.deleteSnapshot(id);
  }
}

/** Phases of boxes without processes, whose disk is kept. */
const restful: ReadonlySet<BoxPhase> = new Set(['suspended', 'stopped']);

async function removeKernelObjects(configuration: HostConfiguration): Promise<void> {
  const ended = Promise.withResolvers<void>();
  const helper = new HelperProcess(
    configuration.helperBinary,
    () => undefined,
    () => ended.resolve(),
  );
  const { interfacePrefix, subnet } = configuration;
  await helper.call('networkTeardown', { table: networkTable(configuration), interfacePrefix, subnet });
  const parents = cgroupDirectories(await detectCgroups(), cgroupParent(configuration));
  await helper.call('cgroupsRemove', { paths: parents });
  helper.close();
  await ended.promise;
}

async function withHost(
  configuration: HostConfiguration,
  log: Log,
  act: (host: LocalHost) => Promise<void>,
): Promise<void> {
  const host = await openLocalHost({ ...configuration, pool: 'off' }, log);
  await act(host);
  await host.close();
}

async function onlyPoolRuns(paths: StatePaths): Promise<boolean> {
  const names = await readdir(paths.bundles).catch(() => []);
  return names.length > 0 && names.every(isPoolPlace);
}

async function count(directory: string): Promise<number> {
  return (await readdir(directory).catch(() => [])).length;
}
