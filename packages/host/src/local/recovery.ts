import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { cgroupDirectories } from '../runtimes/oci/cgroup-layout.ts';
import type { BoxLifecycle } from './box-lifecycle.ts';
import { BoxRemover } from './box-remover.ts';
import { type BoxRow, isNobodys } from './box-row.ts';
import { watchBox } from './box-watch.ts';
import { cgroupParent, type HostParts } from './host-parts.ts';
import { removeImage } from './memory-image.ts';
import { lives } from './process-table.ts';
import { SLEEPING_DISK } from './state-paths.ts';

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
      await finishSuspend(parts, lifecycle, row);
      return;
    case 'resuming':
      await takeBackResume(parts, lifecycle, row);
      return;
    case 'suspended':
      await lifecycle.settleSleep(row);
      await new BoxRemover(parts).removeRuntimeFiles(row.place);
      return;
    case 'stopped':
      await new BoxRemover(parts).removeRuntimeFiles(row.place);
      return;
    case 'destroyed':
  }
}

/** A box whose memory cannot be kept runs on. */
async function finishSuspend(parts: HostParts, lifecycle: BoxLifecycle, row: BoxRow): Promise<void> {
  try {
    await lifecycle.fallAsleep(row.place);
  } catch (error) {
    const now = parts.store.requireAt(row.place);
    if (now.phase !== 'running') {
      throw error;
    }
    parts.log.warn({ boxId: row.id, error: String(error) }, 'a box could not be suspended and runs on');
    await reattach(parts, lifecycle, now);
  }
}

/** One whose processes went on with their memory, and whose guest has been told all it has to know, runs. */
async function takeBackResume(parts: HostParts, lifecycle: BoxLifecycle, row: BoxRow): Promise<void> {
  const { place } = row;
  if (row.memory === 'waking' && parts.spool.links.boot(place).configured && (await lives(row))) {
    const running = parts.store.put({ ...row, phase: 'running', memory: undefined, startedMs: Date.now() });
    await lifecycle.dropMemory(place);
    await reattach(parts, lifecycle, running);
  } else {
    await lifecycle.fallAsleep(place);
  }
}

async function reattach(parts: HostParts, lifecycle: BoxLifecycle, row: BoxRow): Promise<void> {
  const { place, pid } = row;
  if (await lives(row)) {
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
  const { paths, store, snapshotStore, spool, helper, cgroups, configuration } = parts;
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
  const wanted = new Set([
    ...store
      .all()
      .filter(({ memory }) => memory === 'kept' || memory === 'waking')
      .flatMap(({ place }) => [paths.boxMemory(place), paths.sleepingDisk(place)]),
    ...snapshotStore.all().flatMap((row) => (row.phase === 'ready' ? [paths.snapshotMemory(row.id)] : [])),
  ]);
  for (const name of await readdir(paths.memory)) {
    const path = join(paths.memory, name);
    if (!wanted.has(path) && name.startsWith(SLEEPING_DISK)) {
      await helper.call('subvolumeDelete', { path });
    } else if (!wanted.has(path)) {
      await removeImage(path);
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
