import type { BoxState, Host } from '@berth/host/contract';
import type { NewDevbox, Place } from '../devboxes/insert.ts';
import { standsOnItsImage } from '../layers/layered-mounts.ts';
import type { FairQueue } from './fair-queue.ts';
import { type StartSpecParts, startSpec } from './start-spec.ts';

export interface BirthParts extends StartSpecParts {
  readonly host: Pick<Host, 'create'>;
  readonly creates: FairQueue;
  /** Has a box looked at that nobody else looks at. */
  readonly onDropped: (id: string) => void;
}

/**
 * Boxes that the host is asked for while their rows are being written. It may only be asked for what can be taken back: after a kill in between, or when the
 * row was not written, the host has a box that no row stands for, and the reconciler ends it.
 */
export class Births {
  readonly #parts: BirthParts;
  readonly #open = new Map<string, Promise<BoxState>>();

  constructor(parts: BirthParts) {
    this.#parts = parts;
  }

  /** Asks the host for the box, if it may start at once. One that stands on a snapshot waits for its row, which keeps the snapshot; so does one that may stand on a layer. */
  begin(box: NewDevbox, place: Place | undefined): void {
    const { creates, host } = this.#parts;
    if (place?.status !== 'provisioning' || !standsOnItsImage(box) || creates.isFull) {
      return;
    }
    const state = creates.run(box.accountId, new AbortController().signal, async () => {
      const start = await startSpec(this.#parts, box);
      if ('missingSecret' in start) {
        throw new Error(`no secret ${start.missingSecret}`);
      }
      return host.create(start.spec);
    });
    state.catch(() => undefined);
    this.#open.set(box.id, state);
  }

  /** Whether the row of the box may still be on its way. */
  has(id: string): boolean {
    return this.#open.has(id);
  }

  /** What the host answers, for the one who goes on with the box. Undefined when it was not asked, or that was taken before. */
  take(id: string): Promise<BoxState> | undefined {
    const state = this.#open.get(id);
    this.#open.delete(id);
    return state;
  }

  /** The row was not written, or that is not known: what the host has made is looked at again. */
  drop(id: string): void {
    const settled = (): void => {
      this.#open.delete(id);
      this.#parts.onDropped(id);
    };
    this.#open.get(id)?.then(settled, settled);
  }
}
