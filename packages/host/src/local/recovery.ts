import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { cgroupDirectories } from '../runtimes/oci/cgroup-layout.ts';
import type { BoxLifecycle } from './box-lifecycle.ts';
import { BoxRemover } from './box-remover.ts';
import { type BoxRow, isNobodys } from './box-row.ts';
import { watchBox } from './box-watch.ts';
import { cgroupParent, type HostParts } from './host-parts.ts';
import { isAlive } from './process-table.ts';

/**
 * Brings what is in line with what was written, after any death of an earlier life: boxes that live are listened to again, boxes that died are
 * stopped, half-done creates are taken away (whoever wanted them asks again), half-done resumes are taken back, half-done suspends and destroys are
 * finished, and boxes of the pool and what has no row are removed.
 */
export async function recover(parts: HostParts, lifecycle: BoxLifecycle): Promise<void> {
  const { store, log } = parts;
  await sweep(parts);
  const rows = store.all();
  await Promise.all(
    rows.map(async (row) => {
      try {
        await recoverBox(parts, lifecycle, row);
      } catch (error) {
        log.error({ boxId: row.id, error: String(error) }, 'box could not be recovered');
      }
    }),
  );
  await lifecycle.snapshots.recover();
  const counts: Record<string, number> = {};
  for (const row of store.all()) {
    counts[row.phase] = (counts[row.phase] ?? 0) + 1;
  }
  log.info({ boxes: counts }, 'recovered');
}

async function recoverBox(parts: HostParts, lifecycle: BoxLifecycle, row: BoxRow): Promise<void> {
  if (isNobodys(row)) {
    await lifecycle.pooled.discard(row.place);
    return;
  }
  switch (row.phase) {
    case 'running':
      await reattach(parts, lifecycle, row);
      return;
    case 'destroying':
      await lifecycle.destroy(row.id);
      return;
    case 'starting':
      await lifecycle.destroy(row.id);
      await parts.guests.close(row.place);
      await parts.spool.forget(row.place);
      parts.store.delete(row.place);
      return;
    case 'suspending':
    case 'resuming':
      await lifecycle.fallAsleep(row.place);
      return;
    case 'stopped':
    case 'suspended':
      await new BoxRemover(parts).removeRuntimeFiles(row.place);
      return;
    case 'destroyed':
  }
}

async function reattach(parts: HostParts, lifecycle: BoxLifecycle, row: BoxRow): Promise<void> {
  const { place, pid, startTimeTicks } = row;
  if (pid !== undefined && startTimeTicks !== undefined && (await isAlive(pid, startTimeTicks))) {
    await parts.guests.live(place).listen();
    if (!(await watchBox(parts, row))) {
      await lifecycle.companionGone(place);
    }
  } else {
    await lifecycle.exited(place, pid ?? 0, null);
  }
}

/** Removes what belongs to no box: remains of a host that died between two steps, or whose database was lost. */
async function sweep(parts: HostParts): Promise<void> {
  const { paths, store, spool, helper, cgroups, configuration } = parts;
  const orphans = async (directory: string) => {
    const names = await readdir(directory).catch(() => []);
    return names.filter((name) => (store.at(name)?.phase ?? 'destroyed') === 'destroyed');
  };
  for (const parent of cgroupDirectories(cgroups, cgroupParent(configuration))) {
    const entries = await readdir(parent, { withFileTypes: true }).catch(() => []);
    const unknown = entries.filter((entry) => entry.isDirectory() && !store.at(entry.name));
    if (unknown.length > 0) {
      await helper.call('cgroupsRemove', { paths: unknown.map((entry) => join(parent, entry.name)) });
    }
  }
  for (const directory of [...paths.runtimeRoots, paths.bundles, paths.links]) {
    for (const name of await orphans(directory)) {
      await rm(join(directory, name), { recursive: true, force: true });
    }
  }
  for (const name of await readdir(paths.spool)) {
    if (!store.at(name)) {
      await spool.forget(name);
    }
  }
  for (const name of await orphans(paths.subvolumes)) {
    await helper.call('subvolumeDelete', { path: join(paths.subvolumes, name) });
  }
}
