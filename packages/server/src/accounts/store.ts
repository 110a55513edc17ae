import type { Selectable } from 'kysely';
import type { Database } from '../database/database.ts';
import type { AccountsTable } from '../database/schema.ts';

export type AccountRow = Selectable<AccountsTable>;

/** Rows of `accounts`. */
export class AccountStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async insert(account: { readonly id: string; readonly name: string }, nowMs: number): Promise<void> {
    await this.#database
      .insertInto('accounts')
      .values({ id: account.id, name: account.name, created_ms: nowMs })
      .execute();
  }

  async find(id: string): Promise<AccountRow | undefined> {
    return this.#database.selectFrom('accounts').selectAll().where('id', '=', id).executeTakeFirst();
  }

  /** The account made first, if any. */
  async first(): Promise<AccountRow | undefined> {
    return this.#database.selectFrom('accounts').selectAll().orderBy('created_ms').orderBy('id').executeTakeFirst();
  }
}
