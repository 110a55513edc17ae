import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { SnapshotState, SnapshotWish } from '../contract/index.ts';
import { hostErrorOf } from '../helper/helper-error.ts';
import type { BoxMemory } from './box-memory.ts';
import { type BoxRow, isPresent } from './box-row.ts';
import { applyDiskLimit } from './disk-limit.ts';
import { flatten } from './flatten.ts';
import type { HostParts } from './host-parts.ts';
import { snapshotStack } from './layer-limits.ts';
import { removeImage, sealImage } from './memory-image.ts';
import { type SnapshotRow, snapshotStateOf } from './snapshot-store.ts';
import { flush, holdStill, thaw } from './still-box.ts';
import { Turns } from './turns.ts';

/**
 * Makes snapshots, and takes their layers away when nothing stands on them. The volume is always btrfs, so no byte is copied; a stack that has grown too high
 * is merged into its newest snapshot.
 */
export class Snapshots {
  readonly #parts: HostParts;
  readonly #memory: BoxMemory;
  readonly #collecting = new Turns();

  constructor(parts: HostParts, memory: BoxMemory) {
    this.#parts = parts;
    this.#memory = memory;
  }

  /**
   * Keeps the disk of a box, and the memory of a running one where that is wished, under a new id. The caller keeps the box from being suspended, resumed or destroyed meanwhile.
   * @throws HostError `boxNotRunning`, `noSpace`, `tooLarge`
   */
  async take(box: BoxRow, snapshotId: string, wish: SnapshotWish): Promise<SnapshotState> {
    const { snapshotStore, paths, helper, log, configuration } = this.#parts;
    const { merged, below } = snapshotStack({ maxLayers: configuration.maxLayers, paths }, box);
    const row = snapshotStore.put({
      id: snapshotId,
      boxId: box.id,
      phase: 'taking',
      isolation: box.isolation,
      ownerBase: configuration.owners.baseOf(box.slot),
      layers: box.layers,
      imageEnvironment: box.imageEnvironment,
      diskBytes: 0,
      createdMs: Date.now(),
      pausedMs: 0,
      memoryBytes: 0,
    });
    try {
      const keep = () =>
        helper.call('subvolumeSnapshot', { path: paths.subvolume(box.place), snapshot: paths.snapshot(snapshotId) });
      const { result, pausedMs, memoryBytes } = wish.memory
        ? await this.#withMemory(box, snapshotId, wish, keep)
        : { ...(await this.#withoutMemory(box, keep)), memoryBytes: 0 };
      if (merged.length > 0) {
        const { ownerBase } = row;
        await flatten(configuration.helperBinary, { snapshot: paths.snapshot(snapshotId), ownerBase, layers: merged });
      }
      const ready = {
        ...row,
        phase: 'ready',
        layers: below,
        diskBytes: result.usedBytes,
        pausedMs,
        memoryBytes,
      } as const;
      if (wish.brief === true) {
        snapshotStore.put(ready);
      } else {
        snapshotStore.putFirmly(ready);
      }
      await this.#tryLimit(box.id);
      return snapshotStateOf(ready);
    } catch (error) {
      if (snapshotStore.get(snapshotId)?.phase === 'taking') {
        await this.#remove(row).catch((failure: unknown) =>
          log.error({ snapshotId, error: String(failure) }, 'a half-made snapshot could not be removed'),
        );
      }
      throw hostErrorOf(error, `snapshot of box ${box.id}`);
    }
  }

  async #withoutMemory<Result>(
    box: BoxRow,
    keepDisk: () => Promise<Result>,
  ): Promise<{ result: Result; pausedMs: number }> {
    const runtime = this.#parts.runtimes.get(box.isolation);
    if (box.phase !== 'running') {
      return atRest(keepDisk);
    }
    if (runtime?.freezable !== false) {
      return holdStill(this.#parts, box, keepDisk);
    }
    await flush(this.#parts, box);
    // The snapshot is of one moment in any case; what is held still cannot be between two writes that belong together.
    return this.#memory.serves(box) ? this.#memory.whileStill(box, keepDisk) : atRest(keepDisk);
  }

  /** Keeps memory and disk of one moment. The box stands still until both are taken, not until they are on the disk. */
  async #withMemory<Result>(
    box: BoxRow,
    snapshotId: string,
    { brief = false }: SnapshotWish,
    keepDisk: () => Promise<Result>,
  ): Promise<{ result: Result; pausedMs: number; memoryBytes: number }> {
    const { guests, helper, paths } = this.#parts;
    const directory = paths.snapshotMemory(snapshotId);
    await flush(this.#parts, box);
    const { result, pausedMs } = await this.#memory.whileStill(box, async () => {
      const heritage = guests.live(box.place).heritage();
      await this.#memory.hold(box, directory);
      return { heritage, kept: await keepDisk() };
    });
    return {
      result: result.kept,
      pausedMs,
      memoryBytes: await sealImage(helper, directory, result.heritage, { brief }),
    };
  }

  /** Nobody asks for it any more; `collect` takes its layer away when nothing stands on it. */
  async delete(snapshotId: string): Promise<void> {
    const { snapshotStore } = this.#parts;
    const row = snapshotStore.get(snapshotId);
    if (row?.phase === 'ready') {
      snapshotStore.put({ ...row, phase: 'deleted' });
      await removeImage(this.#parts.paths.snapshotMemory(snapshotId));
    }
  }

  /** Removes what is deleted and stood on by nothing. */
  async collect(): Promise<void> {
    await this.#collecting.run('', async () => {
      for (let row = this.#findUnneeded(); row; row = this.#findUnneeded()) {
        await this.#remove(row);
      }
    });
  }

  /** Brings the directory in line with the rows, after any death of an earlier life. Rows of boxes must be settled. */
  async recover(): Promise<void> {
    const { store, snapshotStore, paths, helper } = this.#parts;
    for (const name of await readdir(paths.snapshots)) {
      if (!snapshotStore.get(name)) {
        await helper.call('subvolumeDelete', { path: join(paths.snapshots, name) });
      }
    }
    for (const row of snapshotStore.all()) {
      if (row.phase === 'taking') {
        const box = store.get(row.boxId);
        if (box?.phase === 'running') {
          await thaw(this.#parts, box);
          await this.#letRunOn(box);
        }
        await this.#remove(row);
      }
    }
    await this.collect();
    for (const boxId of new Set(snapshotStore.all().map((row) => row.boxId))) {
      await this.#tryLimit(boxId);
    }
  }

  /** Snapshots that are kept for nothing. */
  get unneeded(): number {
    const { snapshotStore } = this.#parts;
    return snapshotStore.all().filter((row) => row.phase === 'removing' || this.#isUnneeded(row)).length;
  }

  /** It may have been paused for its memory. */
  async #letRunOn(box: BoxRow): Promise<void> {
    if (this.#parts.runtimes.get(box.isolation)?.memory !== undefined) {
      await this.#memory.unpause(box);
    }
  }

  #findUnneeded(): SnapshotRow | undefined {
    return this.#parts.snapshotStore.all().find((row) => row.phase === 'removing' || this.#isUnneeded(row));
  }

  #isUnneeded(row: SnapshotRow): boolean {
    if (row.phase !== 'deleted') {
      return false;
    }
    const { store, snapshotStore, paths } = this.#parts;
    const path = paths.snapshotLayer(row.id);
    const standsOnIt = ({ layers }: Pick<SnapshotRow, 'layers'>) => layers.some((layer) => layer.path === path);
    return (
      !store.all().some((box) => box.phase !== 'destroyed' && standsOnIt(box)) &&
      !snapshotStore.all().some((other) => other.phase !== 'removing' && standsOnIt(other))
    );
  }

  async #remove(row: SnapshotRow): Promise<void> {
    const { snapshotStore, paths, helper } = this.#parts;
    // What it holds counts against its box again.
    snapshotStore.put({ ...row, phase: 'removing' });
    const isLimited = await this.#tryLimit(row.boxId);
    await removeImage(paths.snapshotMemory(row.id));
    await helper.call('subvolumeDelete', { path: paths.snapshot(row.id) });
    snapshotStore.delete(row.id);
    if (!isLimited) {
      await this.#tryLimit(row.boxId);
    }
  }

  /** @returns false on a volume too full to note it: what is being removed makes the room. */
  async #tryLimit(boxId: string): Promise<boolean> {
    try {
      await this.#setLimit(boxId);
      return true;
    } catch (error) {
      this.#parts.log.warn({ boxId, error: String(error) }, 'the disk limit of a box could not be set');
      return false;
    }
  }

  async #setLimit(boxId: string): Promise<void> {
    const box = this.#parts.store.get(boxId);
    if (box && (isPresent(box) || box.phase === 'suspended')) {
      await applyDiskLimit(this.#parts, box);
    }
  }
}

async function atRest<Result>(act: () => Promise<Result>): Promise<{ result: Result; pausedMs: number }> {
  return { result: await act(), pausedMs: 0 };
}
