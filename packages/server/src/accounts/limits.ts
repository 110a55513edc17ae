import { type AdmissionSettings, type Quotas, quotasOf, withLimits } from '../admission/settings.ts';
import type { Database } from '../database/database.ts';
import type { NotificationHub } from '../database/notifications.ts';
import { AccountMemory } from './account-memory.ts';
import { AccountStore } from './store.ts';

/** What holds for an account: what the operator set for it, else what the settings of the server say, else the defaults. */
export class AccountLimitService {
  readonly #memory: AccountMemory<Quotas>;

  constructor(database: Database, hub: NotificationHub, settings: Pick<AdmissionSettings, 'quotas'>) {
    const store = new AccountStore(database);
    this.#memory = new AccountMemory(hub, async (id) => withLimits(quotasOf(settings, id), await store.limits(id)));
  }

  /** Most that the account may have at a time. */
  async of(accountId: string): Promise<Quotas> {
    return this.#memory.get(accountId);
  }
}

/** Whoever asks what an account may have. */
export type Limits = Pick<AccountLimitService, 'of'>;
