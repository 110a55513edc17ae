import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { cgroupDirectories } from '../runtimes/oci/cgroup-layout.ts';
import type { BoxRow } from './box-row.ts';
import { cgroupsPathOf, type HostParts } from './host-parts.ts';

const KILL_TIMEOUT_MS = 10_000;

/** Takes boxes away, piece by piece. Every step succeeds when its piece is gone already. */
export class BoxRemover {
  readonly #parts: HostParts;

  constructor(parts: HostParts) {
    this.#parts = parts;
  }

  /** Ends every process of the box and frees its network and cgroups. Nobody else is in its network by then. */
  async killProcesses({ place, id, pid, startTimeTicks, netSlot, networkOf }: BoxRow): Promise<void> {
    for (const sidecar of this.#parts.store.sidecarsOf(id)) {
      await this.killProcesses(sidecar);
    }
    const { helper, cgroups, configuration } = this.#parts;
    const directories = cgroupDirectories(cgroups, cgroupsPathOf(configuration, place));
    if (pid === undefined || startTimeTicks === undefined || (netSlot === undefined && networkOf === undefined)) {
      await helper.call('cgroupsRemove', { paths: directories });
      return;
    }
    await helper.call('boxKill', {
      boxId: place,
      pid,
      startTimeTicks,
      cgroups: directories,
      ...(netSlot === undefined ? {} : { netSlot }),
      timeoutMs: KILL_TIMEOUT_MS,
    });
  }

  /** Removes what only a box with processes needs. */
  async removeRuntimeFiles(place: string): Promise<void> {
    const { paths, companions } = this.#parts;
    companions.delete(place);
    const states = paths.runtimeRoots.map((root) => join(root, place));
    const all = [...states, paths.bundle(place), paths.link(place)];
    await Promise.all(all.map((path) => rm(path, { recursive: true, force: true })));
  }

  async removeVolume(place: string): Promise<void> {
    await this.#parts.helper.call('subvolumeDelete', { path: this.#parts.paths.subvolume(place) });
  }
}
