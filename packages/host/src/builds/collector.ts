import { Turns } from '../local/turns.ts';
import type { BuildParts } from './build-parts.ts';
import type { StoreRow } from './build-rows.ts';
import type { ImageImporter } from './image-importer.ts';
import { storesOf } from './image-stacks.ts';

/** Takes stores away that nothing stands on, least recently used first. */
export class Collector {
  readonly #parts: BuildParts;
  readonly #importer: ImageImporter;
  readonly #turns = new Turns();
  /** Stores that running builds look into, by build. */
  readonly #held = new Map<string, readonly string[]>();

  constructor(parts: BuildParts, importer: ImageImporter) {
    this.#parts = parts;
    this.#importer = importer;
  }

  /** These stores stay until they are released. */
  hold(buildId: string, stores: readonly string[]): void {
    this.#held.set(buildId, stores);
  }

  release(buildId: string): void {
    this.#held.delete(buildId);
  }

  get storedBytes(): number {
    return this.#parts.builds.stores.all().reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** Removes until all stores take at most this, or what is left is needed. */
  prune(keepBytes: number): Promise<{ readonly freedBytes: number }> {
    return this.#turns.run('', async () => {
      const before = this.storedBytes;
      const { stores } = this.#parts.builds;
      while (this.storedBytes > keepBytes) {
        const needed = this.#needed();
        const [oldest] = stores
          .all()
          .filter(({ id, phase }) => phase === 'ready' && !needed.has(id))
          .sort((one, other) => one.usedMs - other.usedMs);
        if (oldest === undefined) {
          break;
        }
        await this.#remove(oldest);
      }
      return { freedBytes: Math.max(0, before - this.storedBytes) };
    });
  }

  /** Finishes what an earlier life began. */
  async recover(): Promise<void> {
    for (const row of this.#parts.builds.stores.all()) {
      if (row.phase !== 'ready') {
        await this.#remove(row);
      }
    }
  }

  /** With all that stand on it. Nothing waits before every one of them is marked, so that no build begins upon one meanwhile. */
  async #remove(row: StoreRow): Promise<void> {
    const { images, stores } = this.#parts.builds;
    const going = this.#dependents(row);
    for (const one of going) {
      stores.put({ ...one, phase: 'removing' });
    }
    for (const { id } of going) {
      for (const image of images.all()) {
        if (image.phase === 'base' && image.contentStore === id) {
          images.delete(image.id);
        }
      }
      await this.#importer.discard(id);
      stores.delete(id);
    }
  }

  /** Itself last. */
  #dependents(row: StoreRow, seen = new Set<string>([row.id])): StoreRow[] {
    const own = new Set(row.layers.map(({ id }) => id));
    const above = this.#parts.builds.stores
      .all()
      .filter(({ id, layers }) => !seen.has(id) && layers.some(({ parent }) => own.has(parent)));
    for (const { id } of above) {
      seen.add(id);
    }
    return [...above.flatMap((other) => this.#dependents(other, seen)), row];
  }

  #needed(): ReadonlySet<string> {
    const { builds, paths, snapshotStore, store } = this.#parts;
    const ofLayers = (layers: ReadonlyArray<{ readonly path: string }>) =>
      layers.flatMap(({ path }) => paths.imageStoreOf(path) ?? []);
    const needed = new Set([
      ...[...this.#held.values()].flat(),
      ...builds.images.all().flatMap((image) => (image.phase === 'ready' ? storesOf(image) : [])),
      ...store.all().flatMap((box) => (box.phase === 'destroyed' ? [] : ofLayers(box.layers))),
      ...snapshotStore.all().flatMap((row) => (row.phase === 'removing' ? [] : ofLayers(row.layers))),
    ]);
    // What they stand on has to stay with them.
    for (let size = -1; size !== needed.size; ) {
      size = needed.size;
      const parents = new Set(
        builds.stores.all().flatMap(({ id, layers }) => (needed.has(id) ? layers.map(({ parent }) => parent) : [])),
      );
      for (const { id, layers } of builds.stores.all()) {
        if (layers.some((layer) => parents.has(layer.id))) {
          needed.add(id);
        }
      }
    }
    return needed;
  }
}
