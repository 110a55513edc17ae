import { execFile } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { Turns } from '../local/turns.ts';
import type { BuildParts } from './build-parts.ts';
import { readBuiltImage, readFinished, readStore } from './build-results.ts';
import type { ImageRow, StoreRow } from './build-rows.ts';
import { stackOf } from './image-stacks.ts';

const run = promisify(execFile);

/** Subvolumes of the host's own have no bound. */
const NO_LIMIT_BYTES = Number.MAX_SAFE_INTEGER;
const IMPORT_TIMEOUT_MS = 30 * 60_000;

const imported = z.object({ files: z.number(), bytes: z.number() });

/** What is imported, and for whom. */
export interface ImportWish {
  readonly buildId: string;
  readonly work: string;
  readonly scope: string;
  readonly secretsMark: string;
  readonly base: string;
  /** Stores that the build could see, in its order. */
  readonly visible: readonly string[];
  readonly phase: ImageRow['phase'];
  readonly recipe: string;
  readonly finish: string;
  /** Images that it may have found again instead of making its own. */
  readonly finished: readonly ImageRow[];
  readonly standIn: string | undefined;
}

/**
 * Takes what a build has made over into the one subvolume of all layers: contents are shared, not copied, owners stay those of builds, and nothing is believed that the
 * build says about itself beyond its own layers.
 */
export class ImageImporter {
  readonly #parts: BuildParts;
  readonly #turns = new Turns();

  constructor(parts: BuildParts) {
    this.#parts = parts;
  }

  /** Makes the places that layers lie in. Idempotent. */
  async prepare(): Promise<void> {
    const { helper, paths } = this.#parts;
    for (const path of [paths.images, paths.imageSeed]) {
      await helper.call('subvolumeCreate', { path, limitBytes: NO_LIMIT_BYTES, ownerBase: 0 });
    }
  }

  /** @throws Error when it is not what a build leaves, or too much */
  async take(wish: ImportWish): Promise<ImageRow> {
    const { builds } = this.#parts;
    const [found, own] = await Promise.all([readFinished(wish.work), readStore(wish.work)]);
    const again = wish.finished.find(({ contentId }) => contentId === found);
    const built = again ?? (await readBuiltImage(wish.work));
    const visible = wish.visible.flatMap((id) => builds.stores.get(id) ?? []);
    const store: StoreRow = {
      id: wish.buildId,
      phase: 'importing',
      scope: wish.scope,
      secretsMark: wish.secretsMark,
      base: wish.base,
      ...own,
      bytes: 0,
      createdMs: Date.now(),
      usedMs: Date.now(),
    };
    const isNew = own.layers.length > 0 || Object.keys(own.images).length > 0;
    const stack = stackOf(built.contentId, isNew ? [store, ...visible] : visible);
    if (isNew) {
      await this.#turns.run('', () => this.#import(store, wish.work));
    }
    return builds.images.putFirmly({
      id: wish.buildId,
      phase: wish.phase,
      recipe: wish.recipe,
      stage: built.stage,
      finish: wish.finish,
      contentId: built.contentId,
      contentStore: stack.contentStore,
      layers: stack.layers,
      environment: built.environment,
      workdir: built.workdir,
      command: built.command,
      user: built.user,
      labels: built.labels,
      sizeBytes: stack.bytes,
      standIn: wish.standIn,
      createdMs: Date.now(),
    });
  }

  /** Removes the files of a store; its row is the caller's. */
  async discard(storeId: string): Promise<void> {
    await rm(this.#parts.paths.imageStore(storeId), { recursive: true, force: true });
  }

  async #import(store: StoreRow, work: string): Promise<void> {
    const { builds, configuration, helper, paths, settings } = this.#parts;
    builds.stores.put(store);
    try {
      await this.discard(store.id);
      const words = [join(work, 'graph'), paths.imageStore(store.id), paths.imageSeed, String(settings.maxFiles)];
      const { stdout } = await run(
        'setpriv',
        // Else it would go on writing where the next host cleans up.
        ['--pdeathsig', 'KILL', configuration.helperBinary, 'import', ...words],
        { timeout: IMPORT_TIMEOUT_MS, killSignal: 'SIGKILL' },
      );
      const { bytes } = imported.parse(JSON.parse(stdout));
      await helper.call('fileSystemSync', { path: paths.volume });
      builds.stores.putFirmly({ ...store, phase: 'ready', bytes });
    } catch (error) {
      await this.discard(store.id);
      builds.stores.delete(store.id);
      const said = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : '';
      throw new Error(said === '' ? String(error) : said.replace(/^berth-helper: /, ''), { cause: error });
    }
  }
}
