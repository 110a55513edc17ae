import { type DevboxFork, type DevboxView, newId } from '@berth/contract';
import type { Admission } from '../admission/admission.ts';
import { booked, demandOf } from '../admission/booking.ts';
import type { Devbox } from '../devboxes/devbox.ts';
import type { NewDevbox } from '../devboxes/insert.ts';
import { startBoundMs } from '../devboxes/start-bound.ts';
import type { DevboxStore } from '../devboxes/store.ts';
import { canKeepMemory } from '../devboxes/suspension.ts';
import { devboxView } from '../devboxes/view.ts';
import { apiError } from '../errors/api-error.ts';
import type { ForkSnapshot, ForkStore } from './store.ts';

export interface ForkServiceParts {
  readonly store: ForkStore;
  readonly devboxes: Pick<DevboxStore, 'findOwned' | 'madeBy'>;
  readonly admission: Admission;
  /** Called after a change that the reconciler, and the keeper of snapshots, have to act on. */
  readonly onForked: (snapshotId: string, forks: readonly Devbox[]) => void;
}

const nameOf = (wish: DevboxFork, index: number): string | null =>
  wish.name === undefined || wish.name === '' ? null : wish.count === 1 ? wish.name : `${wish.name}-${index + 1}`;

/** The row of one fork: what the source is and does, under an identity of its own. Its time begins now. */
const forkOf = (
  source: Devbox,
  image: { readonly id: string; readonly memory: boolean },
  wish: DevboxFork,
  index: number,
): NewDevbox => ({
  id: newId('devbox'),
  accountId: source.accountId,
  name: nameOf(wish, index),
  metadata: wish.metadata ?? source.metadata,
  // Memory of one grade of isolation is of no use to another.
  launchParameters:
    image.memory && source.isolation === 'gvisor'
      ? { ...source.launchParameters, isolation: 'gvisor' }
      : source.launchParameters,
  wish: source.wish,
  // What was mounted came with the disk.
  mounts: [],
  idleMs: source.idleMs,
  expiresInMs: startBoundMs,
  blueprintId: source.blueprintId,
  imageBlueprintId: null,
  snapshotId: null,
  image,
  forkedFrom: source.id,
});

/** Live forks: new boxes with the disk of another one, and its memory, while that goes on. Berth's own. */
export class ForkService {
  readonly #parts: ForkServiceParts;

  constructor(parts: ForkServiceParts) {
    this.#parts = parts;
  }

  /**
   * Writes the forks and answers at once; the same token always means the same ones. Without a word on memory, a running box is forked with
   * it where its isolation can. Throws `devboxNotRunning`, `memoryUnsupported`.
   */
  async fork(account: string, id: string, wish: DevboxFork, token: string | undefined): Promise<DevboxView[]> {
    const source = await this.#require(account, id);
    const canNow = source.status === 'running' && canKeepMemory(source);
    const memory = wish.memory ?? canNow;
    if (memory && !canNow) {
      const why = source.status === 'running' ? `isolation ${source.isolation ?? 'unknown'} cannot` : source.status;
      throw apiError('memoryUnsupported', { id, reason: why });
    }
    const image = { id: newId('snapshot'), memory };
    const boxes = Array.from({ length: wish.count }, (_, index) => forkOf(source, image, wish, index));
    const from = memory ? (['running'] as const) : (['running', 'suspended'] as const);
    const made = await this.#insert({ id: image.id, accountId: account, sourceId: id, memory, from }, boxes, token);
    this.#parts.onForked(made.snapshotId, made.boxes);
    return made.boxes.map(devboxView);
  }

  /** Writes them where quotas allow it; what the token has made already needs no room. */
  async #insert(
    snapshot: ForkSnapshot,
    boxes: readonly NewDevbox[],
    token: string | undefined,
  ): Promise<{ readonly snapshotId: string; readonly boxes: readonly Devbox[] }> {
    const { admission, store, devboxes } = this.#parts;
    try {
      await admission.require(snapshot.accountId, demandOf(boxes));
    } catch (error) {
      const snapshotId = await devboxes.madeBy(token);
      if (snapshotId === undefined) {
        throw error;
      }
      return { snapshotId, boxes: await store.boxesOf(snapshotId) };
    }
    let made: Awaited<ReturnType<ForkStore['insert']>> = { snapshotId: snapshot.id, boxes: [] };
    await booked(admission, boxes, async (places) => {
      made = await store.insert(snapshot, boxes, places, token, async () => {
        const { status } = await this.#require(snapshot.accountId, snapshot.sourceId);
        throw apiError('devboxNotRunning', { id: snapshot.sourceId, status });
      });
      return made.boxes.map((box) => box.id);
    });
    return made;
  }

  async #require(account: string, id: string): Promise<Devbox> {
    const box = await this.#parts.devboxes.findOwned(account, id);
    if (box === undefined) {
      throw apiError('notFound', { resource: 'devbox', id });
    }
    return box;
  }
}
