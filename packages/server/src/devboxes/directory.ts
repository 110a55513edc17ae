import type { NotificationHub } from '../database/notifications.ts';
import { apiError } from '../errors/api-error.ts';
import { devboxTopic } from './announce.ts';
import type { Devbox } from './devbox.ts';
import type { KnownDevboxes } from './known-devboxes.ts';
import type { DevboxStore } from './store.ts';

/** What most calls need to know of a box. */
export interface DevboxEntry {
  readonly id: string;
  readonly accountId: string;
  readonly status: Devbox['status'];
  /** Whether activity has to be recorded. */
  readonly hasIdleRule: boolean;
  /** Whether the host still keeps what the box has put out. */
  readonly outputKept: boolean;
  /** Names of the services that run beside it, in the order of its sidecars. */
  readonly services: readonly string[];
}

const defaultCapacity = 50_000;

const toEntry = (box: Devbox): DevboxEntry => ({
  id: box.id,
  accountId: box.accountId,
  status: box.status,
  hasIdleRule: box.idleMs !== null,
  outputKept: box.hostState !== 'forgotten',
  services: (box.wish.services ?? []).map(({ name }) => name),
});

/**
 * Owner and status of boxes by id, in memory, so that running a command needs no query. Any announced change of a box throws its entry away;
 * while announcements cannot arrive, the memory is not used.
 */
export class DevboxDirectory {
  readonly #store: DevboxStore;
  readonly #hub: NotificationHub;
  readonly #known: KnownDevboxes;
  readonly #capacity: number;
  readonly #entries = new Map<string, { readonly entry: DevboxEntry; readonly unsubscribe: () => void }>();

  constructor(options: {
    readonly store: DevboxStore;
    readonly hub: NotificationHub;
    readonly known: KnownDevboxes;
    readonly capacity?: number;
  }) {
    this.#store = options.store;
    this.#hub = options.hub;
    this.#known = options.known;
    this.#capacity = options.capacity ?? defaultCapacity;
  }

  /** The box, whatever its status. Throws `notFound`, also when it belongs to another account. */
  async require(accountId: string, id: string): Promise<DevboxEntry> {
    const entry = this.#remembered(id) ?? (await this.#load(id));
    if (entry?.accountId !== accountId) {
      throw apiError('notFound', { resource: 'devbox', id });
    }
    return entry;
  }

  /** The box if it runs. Throws `notFound` or `devboxNotRunning`. */
  async requireRunning(accountId: string, id: string): Promise<DevboxEntry> {
    const entry = await this.require(accountId, id);
    if (entry.status !== 'running') {
      throw apiError('devboxNotRunning', { id, status: entry.status });
    }
    return entry;
  }

  /** Number of entries, for the metrics. */
  get size(): number {
    return this.#entries.size;
  }

  #remembered(id: string): DevboxEntry | undefined {
    const entry = this.#hub.connected ? this.#entries.get(id)?.entry : undefined;
    const box = entry === undefined ? this.#known.get(id) : undefined;
    return box === undefined ? entry : toEntry(box);
  }

  async #load(id: string): Promise<DevboxEntry | undefined> {
    // Subscribed before the row is read: a change in between makes the answer one that is not kept.
    const state = { changed: false };
    const unsubscribe = this.#hub.subscribe(devboxTopic(id), () => {
      state.changed = true;
      this.#forget(id, unsubscribe);
    });
    try {
      const box = await this.#store.find(id);
      const entry = box && toEntry(box);
      if (entry === undefined || state.changed || this.#entries.has(id)) {
        unsubscribe();
      } else {
        this.#entries.set(id, { entry, unsubscribe });
        this.#shrink();
      }
      return entry;
    } catch (error) {
      unsubscribe();
      throw error;
    }
  }

  #forget(id: string, unsubscribe: () => void): void {
    unsubscribe();
    if (this.#entries.get(id)?.unsubscribe === unsubscribe) {
      this.#entries.delete(id);
    }
  }

  /** Drops the oldest entries. A map keeps the order of insertion. */
  #shrink(): void {
    for (const [id, { unsubscribe }] of this.#entries) {
      if (this.#entries.size <= this.#capacity) {
        return;
      }
      this.#forget(id, unsubscribe);
    }
  }
}
