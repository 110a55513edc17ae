import { type AccountSettings, type AccountSettingsUpdate, defaultAccountSettings } from '@berth/contract';
import type { Database } from '../database/database.ts';
import type { NotificationHub } from '../database/notifications.ts';
import { AccountStore, accountTopic } from './store.ts';

const capacity = 10_000;

/** Settings of accounts, in memory: every create asks for them. A change announces itself; while announcements cannot arrive, the memory is not used. */
export class AccountSettingsService {
  readonly #store: AccountStore;
  readonly #hub: NotificationHub;
  readonly #known = new Map<string, AccountSettings>();

  constructor(database: Database, hub: NotificationHub) {
    this.#store = new AccountStore(database);
    this.#hub = hub;
  }

  async get(accountId: string): Promise<AccountSettings> {
    const known = this.#hub.connected ? this.#known.get(accountId) : undefined;
    return known ?? (await this.#load(accountId));
  }

  async update(accountId: string, change: AccountSettingsUpdate): Promise<AccountSettings> {
    const given = Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined));
    await this.#store.changeSettings(accountId, given);
    this.#hub.wake(accountTopic(accountId));
    return this.get(accountId);
  }

  async #load(accountId: string): Promise<AccountSettings> {
    // Subscribed before the row is read: a change in between makes the answer one that is not kept.
    const state = { changed: false };
    const unsubscribe = this.#hub.subscribe(accountTopic(accountId), () => {
      state.changed = true;
      this.#known.delete(accountId);
      unsubscribe();
    });
    try {
      const settings = { ...defaultAccountSettings, ...(await this.#store.settings(accountId)) };
      if (state.changed || this.#known.has(accountId) || this.#known.size >= capacity) {
        unsubscribe();
      } else {
        this.#known.set(accountId, settings);
      }
      return settings;
    } catch (error) {
      unsubscribe();
      throw error;
    }
  }
}
