import { Revisions } from '../admission/revisions.ts';
import type { NotificationHub } from '../database/notifications.ts';
import { devboxTopic } from './announce.ts';
import type { Devbox } from './devbox.ts';

const defaultCapacity = 2_000;

/**
 * Boxes as this process wrote them last, so that whoever asks right after a change is answered without a query. Any other change of a box, and
 * the loss of announcements, throws it out.
 */
export class KnownDevboxes {
  readonly #hub: NotificationHub;
  readonly #capacity: number;
  readonly #boxes = new Map<string, { readonly box: Devbox; readonly unsubscribe: () => void }>();
  /** Answers of the database may overtake each other: what comes late is not taken for new. */
  readonly #revisions = new Revisions();

  constructor(hub: NotificationHub, capacity: number = defaultCapacity) {
    this.#hub = hub;
    this.#capacity = capacity;
  }

  /** Tells everyone in this process of the box as it was just written. */
  changed(box: Devbox): void {
    this.#hub.wake(devboxTopic(box.id));
    if (!this.#revisions.isNew(box) || !this.#hub.connected) {
      return;
    }
    this.#forget(box.id);
    const unsubscribe = this.#hub.subscribe(devboxTopic(box.id), () => this.#forget(box.id));
    this.#boxes.set(box.id, { box, unsubscribe });
    const oldest = this.#boxes.keys().next().value;
    if (this.#boxes.size > this.#capacity && oldest !== undefined) {
      this.#forget(oldest);
    }
  }

  /** A change of the box may have been written, or not: nobody relies on what is known. */
  unsure(id: string): void {
    this.#hub.wake(devboxTopic(id));
  }

  /** The box as it is; undefined when that has to be looked up. */
  get(id: string): Devbox | undefined {
    return this.#hub.connected ? this.#boxes.get(id)?.box : undefined;
  }

  #forget(id: string): void {
    this.#boxes.get(id)?.unsubscribe();
    this.#boxes.delete(id);
  }
}
