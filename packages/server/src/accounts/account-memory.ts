import type { NotificationHub } from '../database/notifications.ts';
import { accountTopic } from './store.ts';

const capacity = 10_000;

/** What rows say of accounts, in memory. A change announces itself; while announcements cannot arrive, the memory is not used. */
export class AccountMemory<Value> {
  readonly #hub: NotificationHub;
  readonly #read: (accountId: string) => Promise<Value>;
  readonly #known = new Map<string, Value>();

  constructor(hub: NotificationHub, read: (accountId: string) => Promise<Value>) {
    this.#hub = hub;
    this.#read = read;
  }

  async get(accountId: string): Promise<Value> {
    const known = this.#hub.connected ? this.#known.get(accountId) : undefined;
    return known ?? (await this.#load(accountId));
  }

  async #load(accountId: string): Promise<Value> {
    // Subscribed before the row is read: a change in between makes the answer one that is not kept.
    const state = { changed: false };
    const unsubscribe = this.#hub.subscribe(accountTopic(accountId), () => {
      state.changed = true;
      this.#known.delete(accountId);
      unsubscribe();
    });
    try {
      const value = await this.#read(accountId);
      if (state.changed || this.#known.has(accountId) || this.#known.size >= capacity) {
        unsubscribe();
      } else {
        this.#known.set(accountId, value);
      }
      return value;
    } catch (error) {
      unsubscribe();
      throw error;
    }
  }
}
