import { readdir, rm, rmdir } from 'node:fs/promises';
import { pino } from 'pino';
import { HelperProcess } from './helper/helper-process.ts';
import { readConfiguration } from './local/configuration.ts';
import { cgroupParent, networkTable } from './local/host-parts.ts';
import { takeLock } from './local/lock-file.ts';
import { openLocalHost } from './local/open-local-host.ts';
import { StatePaths } from './local/state-paths.ts';
import { unmountVolume } from './local/volume.ts';
import { cgroupDirectories, detectCgroups } from './runtimes/oci/cgroup-layout.ts';

/**
 * Takes an installation's kernel objects away, with no host process running: `node teardown.ts [--all]`. Without `--all` boxes and their disks are
 * left as they are, and so is everything while one is present; with it they are destroyed first. Prints JSON {removed, boxes}.
 */
async function main(): Promise<void> {
  const configuration = await readConfiguration(process.env);
  const paths = new StatePaths(configuration.stateDirectory);
  const present = await readdir(paths.bundles).catch(() => []);
  const disks = await readdir(paths.subvolumes).catch(() => []);
  const all = process.argv.includes('--all');
  const unlock = takeLock(paths.lock);
  try {
    if (all && (present.length > 0 || disks.length > 0)) {
      const host = await openLocalHost(configuration, pino({ level: 'warn' }, pino.destination(2)));
      for (const { id } of await host.list()) {
        await host.destroy(id);
      }
      await host.close();
    }
    const left = (await readdir(paths.bundles).catch(() => [])).length;
    if (left === 0) {
      await removeKernelObjects();
    }
    process.stdout.write(`${JSON.stringify({ removed: left === 0, boxes: left })}\n`);
  } finally {
    unlock();
  }

  async function removeKernelObjects(): Promise<void> {
    const ended = Promise.withResolvers<void>();
    const helper = new HelperProcess(
      configuration.helperBinary,
      () => undefined,
      () => ended.resolve(),
    );
    await helper.call('networkTeardown', {
      table: networkTable(configuration),
      interfacePrefix: configuration.interfacePrefix,
    });
    const parents = cgroupDirectories(await detectCgroups(), cgroupParent(configuration));
    await helper.call('cgroupsRemove', { paths: parents });
    helper.close();
    await ended.promise;
    await unmountVolume(paths);
    if (all) {
      await rm(paths.volumeImage, { force: true });
      await rmdir(paths.volume).catch(() => undefined);
    }
  }
}

main().catch((error: unknown) => {
  process.stderr.write(`berth host: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
});
