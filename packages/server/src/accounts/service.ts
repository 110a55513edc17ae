import { type AccountView, newId } from '@berth/contract';
import type { Database } from '../database/database.ts';
import { apiError } from '../errors/api-error.ts';
import { type AccountRow, AccountStore } from './store.ts';

const view = (row: AccountRow): AccountView => ({
  id: row.id,
  name: row.name,
  created_at: new Date(row.created_ms).toISOString(),
  account_status: row.disabled ? 'ACCOUNT_STATUS_DISABLED_BY_ADMIN' : 'ACCOUNT_STATUS_ENABLED',
  tier: 'ACCOUNT_TIER_ENTERPRISE',
  billing: { account_billing_type: 'UNRECOGNIZED' },
});

/** Accounts: everything else belongs to one. */
export class AccountService {
  readonly #store: AccountStore;

  constructor(database: Database) {
    this.#store = new AccountStore(database);
  }

  async create(name: string): Promise<AccountView> {
    const id = newId('account');
    await this.#store.insert({ id, name }, Date.now());
    return this.get(id);
  }

  /** Throws `notFound`. */
  async get(id: string): Promise<AccountView> {
    const row = await this.#store.find(id);
    if (row === undefined) {
      throw apiError('notFound', { resource: 'account', id });
    }
    return view(row);
  }

  /** The account made first, for the bootstrap. */
  async first(): Promise<AccountView | undefined> {
    const row = await this.#store.first();
    return row === undefined ? undefined : view(row);
  }
}
