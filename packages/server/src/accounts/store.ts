import type { AccountLimits, AccountSettings } from '@berth/contract';
import { type Selectable, sql } from 'kysely';
import type { Database } from '../database/database.ts';
import { notificationChannel } from '../database/notifications.ts';
import type { AccountsTable } from '../database/schema.ts';

export type AccountRow = Selectable<AccountsTable>;

/** Change of limits: `null` goes back to what the settings of the server say, what is left out stays. */
export type LimitsChange = { readonly [Name in keyof AccountLimits]?: number | null | undefined };

/** Topic that is announced with every change of an account's settings or limits. */
export const accountTopic = (id: string): string => `account:${id}`;

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

  /** What the account has set itself. */
  async settings(id: string): Promise<Partial<AccountSettings>> {
    const row = await this.#database.selectFrom('accounts').select('settings').where('id', '=', id).executeTakeFirst();
    return row?.settings ?? {};
  }

  /** Sets what is given, keeps the rest, and announces it. */
  async changeSettings(id: string, change: Partial<AccountSettings>): Promise<void> {
    await sql`
      with changed as (
        update accounts set settings = settings || ${JSON.stringify(change)}::jsonb where id = ${id} returning id
      )
      select pg_notify(${notificationChannel}, ${accountTopic(id)}) from changed
    `.execute(this.#database);
  }

  /** What the operator has set for the account. */
  async limits(id: string): Promise<AccountLimits> {
    const row = await this.#database.selectFrom('accounts').select('limits').where('id', '=', id).executeTakeFirst();
    return row?.limits ?? {};
  }

  /** Sets what is given, strikes off what is null, keeps the rest, and announces it. Gives what is set then. */
  async changeLimits(id: string, change: LimitsChange): Promise<AccountLimits> {
    const changed = await sql<{ limits: AccountLimits }>`
      with changed as (
        update accounts set limits = jsonb_strip_nulls(limits || ${JSON.stringify(change)}::jsonb) where id = ${id}
        returning limits
      )
      select limits, pg_notify(${notificationChannel}, ${accountTopic(id)}) from changed
    `.execute(this.#database);
    return changed.rows[0]?.limits ?? {};
  }

  /** The account made first, if any. */
  async first(): Promise<AccountRow | undefined> {
    return this.#database.selectFrom('accounts').selectAll().orderBy('created_ms').orderBy('id').executeTakeFirst();
  }
}
