import { type AccountSettings, type AccountSettingsUpdate, defaultAccountSettings } from '@berth/contract';
import type { Database } from '../database/database.ts';
import type { NotificationHub } from '../database/notifications.ts';
import { AccountMemory } from './account-memory.ts';
import { AccountStore, accountTopic } from './store.ts';

/** Settings of accounts, in memory: every create asks for them. */
export class AccountSettingsService {
  readonly #store: AccountStore;
  readonly #hub: NotificationHub;
  readonly #memory: AccountMemory<AccountSettings>;

  constructor(database: Database, hub: NotificationHub) {
    this.#store = new AccountStore(database);
    this.#hub = hub;
    this.#memory = new AccountMemory(hub, async (id) => ({
      ...defaultAccountSettings,
      ...(await this.#store.settings(id)),
    }));
  }

  async get(accountId: string): Promise<AccountSettings> {
    return this.#memory.get(accountId);
  }

  async update(accountId: string, change: AccountSettingsUpdate): Promise<AccountSettings> {
    const given = Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined));
    await this.#store.changeSettings(accountId, given);
    this.#hub.wake(accountTopic(accountId));
    return this.get(accountId);
  }
}
