import { createHash } from 'node:crypto';
import { newId } from '@berth/contract';
import type { BoxImage } from '@berth/host/contract';
import { MountFailure } from '../mounts/mount-kind.ts';
import { FairQueue } from '../reconciler/fair-queue.ts';
import { UnmadeLayer } from './layer-failure.ts';
import { isLayerId, LayerMaker, type LayerMakerParts } from './layer-maker.ts';
import { type LayerGround, type LayerWish, unnamedImage } from './layer-wish.ts';

export interface LayerCacheParts extends LayerMakerParts {
  /** Bound of all layers together; the least recently used go first. With 0 none is made. */
  readonly cacheBytes: number;
}

/** A layer that stays until it is released. */
export interface HeldLayer {
  readonly id: string;
  readonly release: () => void;
}

/** Layers that are made at once. */
const parallelMakes = 2;

/** A layer that is to be found or made: one wish, upon what is there already. */
interface Wanted {
  readonly key: string;
  readonly image: BoxImage;
  readonly ground: LayerGround;
  readonly wish: LayerWish;
}

type Outcome = { readonly id: string } | { readonly error: unknown; readonly aborted: boolean };

const keyOf = (...parts: readonly unknown[]): string =>
  createHash('sha256').update(JSON.stringify(parts)).digest('hex');

const aborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_resolve, reject) => {
    signal.throwIfAborted();
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });

/**
 * Mounts that are made once and shared by boxes: layers on the image, one on another, each kept by the host as a snapshot. Their rows say which there
 * are; what a kill left half made is removed with the next connection to the host.
 */
export class LayerCache {
  readonly #parts: LayerCacheParts;
  readonly #maker: LayerMaker;
  readonly #queue = new FairQueue(parallelMakes);
  /** By key. */
  readonly #pending = new Map<string, Promise<Outcome>>();
  readonly #making = new Set<string>();
  readonly #held = new Map<string, number>();

  constructor(parts: LayerCacheParts) {
    this.#parts = parts;
    this.#maker = new LayerMaker(parts);
  }

  get isOff(): boolean {
    return this.#parts.cacheBytes === 0;
  }

  /** The layer of these mounts, one on another upon the ground; made where it is not there. Throws what making it throws, a `MountFailure` as an `UnmadeLayer`. */
  async obtain(ground: LayerGround, wishes: readonly LayerWish[], signal: AbortSignal): Promise<HeldLayer | undefined> {
    const { imageName, isolation, user } = ground;
    let key = keyOf(imageName, isolation, user);
    let { image } = ground;
    let held: HeldLayer | undefined;
    try {
      for (const [position, wish] of wishes.entries()) {
        key = keyOf(key, wish.key);
        const made = this.#one({ key, image, ground, wish }, signal).catch((error: unknown) => {
          throw error instanceof MountFailure ? new UnmadeLayer(position, error) : error;
        });
        const next = this.#hold(await made);
        held?.release();
        held = next;
        image = { snapshotId: next.id, memory: false };
      }
      return held;
    } catch (error) {
      held?.release();
      throw error;
    }
  }

  /** The host does not have it any more. */
  async lost(id: string): Promise<void> {
    await this.#parts.store.remove(id);
  }

  /** Brings rows and host together: what has no row goes unless a box is being made on it, what an earlier run left half made, and rows of what the host has lost. */
  async compare(): Promise<void> {
    const { host, store } = this.#parts;
    const busy = new Set(this.#making);
    const present = new Set((await host.snapshots()).flatMap(({ id }) => (isLayerId(id) ? [id] : [])));
    const boxes = (await host.list()).flatMap(({ id }) => (isLayerId(id) ? [id] : []));
    const rows = await store.all();
    const isIdle = (id: string): boolean => !busy.has(id) && !this.#making.has(id);
    const ready = new Set(rows.flatMap(({ id, status }) => (status === 'ready' ? [id] : [])));
    for (const id of boxes.filter(isIdle)) {
      await this.#maker.endBox(id);
    }
    for (const id of [...present].filter((one) => isIdle(one) && !ready.has(one) && !this.#held.has(one))) {
      await host.deleteSnapshot(id);
    }
    const doubtful = rows.filter(({ id, status }) => isIdle(id) && (status === 'making' || !present.has(id)));
    const now = new Set(doubtful.length === 0 ? [] : (await host.snapshots()).map(({ id }) => id));
    for (const { id } of doubtful.filter((row) => row.status === 'making' || !now.has(row.id))) {
      await store.remove(id);
    }
    await this.dropUnfounded();
  }

  /** Removes layers upon images that nobody can start from any more. */
  async dropUnfounded(): Promise<void> {
    const { defaultImage = unnamedImage } = await this.#parts.host.describe();
    for (const id of await this.#parts.store.unfounded(defaultImage)) {
      if (!this.#held.has(id)) {
        await this.#maker.remove(id);
      }
    }
  }

  async #one(wanted: Wanted, signal: AbortSignal): Promise<string> {
    for (;;) {
      signal.throwIfAborted();
      const others = this.#pending.get(wanted.key);
      const outcome = await (others === undefined
        ? this.#begin(wanted, signal)
        : Promise.race([others, aborted(signal)]));
      if ('id' in outcome) {
        return outcome.id;
      }
      if (others === undefined || !outcome.aborted) {
        throw outcome.error;
      }
    }
  }

  /** Nothing waits before the entry in #pending, so a second caller finds the first. */
  #begin(wanted: Wanted, signal: AbortSignal): Promise<Outcome> {
    const pending = this.#find(wanted, signal)
      .then((id): Outcome => ({ id }))
      .catch((error: unknown): Outcome => ({ error, aborted: signal.aborted }))
      .finally(() => this.#pending.delete(wanted.key));
    this.#pending.set(wanted.key, pending);
    return pending;
  }

  async #find(wanted: Wanted, signal: AbortSignal): Promise<string> {
    const { key, ground, wish } = wanted;
    const known = await this.#parts.store.use(key, wish.maximumAgeMs);
    return known ?? this.#queue.run(ground.accountId, signal, () => this.#make(wanted, signal));
  }

  async #make({ key, image, ground, wish }: Wanted, signal: AbortSignal): Promise<string> {
    const id = newId('layer');
    this.#making.add(id);
    try {
      const former = await this.#parts.store.begin(id, key, ground.imageName);
      if (former !== undefined) {
        await this.#maker.remove(former);
      }
      await this.#maker.make(id, image, ground, wish, signal);
    } finally {
      this.#making.delete(id);
    }
    await this.#makeRoom(id).catch((error: unknown) => this.#parts.log.warn({ err: error }, 'old layers not deleted'));
    return id;
  }

  #hold(id: string): HeldLayer {
    this.#held.set(id, (this.#held.get(id) ?? 0) + 1);
    let isHeld = true;
    const release = (): void => {
      if (isHeld) {
        isHeld = false;
        const left = (this.#held.get(id) ?? 1) - 1;
        left === 0 ? this.#held.delete(id) : this.#held.set(id, left);
      }
    };
    return { id, release };
  }

  async #makeRoom(keep: string): Promise<void> {
    const rows = (await this.#parts.store.all()).filter(({ status }) => status === 'ready');
    let totalBytes = rows.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    for (const { id, sizeBytes } of rows) {
      if (totalBytes > this.#parts.cacheBytes && id !== keep && !this.#held.has(id)) {
        await this.#maker.remove(id);
        totalBytes -= sizeBytes;
      }
    }
  }
}
