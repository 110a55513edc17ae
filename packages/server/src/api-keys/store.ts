import type { Database } from '../database/database.ts';
import type { Scope } from './scopes.ts';

/** A key as the authentication needs it. */
export interface StoredKey {
  readonly id: string;
  readonly account: string;
  readonly accountDisabled: boolean;
  readonly hash: Buffer;
  readonly expiresMs: number | null;
  /** Null for a standard key, which may do everything. */
  readonly scopes: readonly Scope[] | null;
}

/** Rows of `api_keys`. Only hashes are stored. */
export class ApiKeyStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async insert(
    key: {
      readonly id: string;
      readonly account: string;
      readonly name: string | null;
      readonly hash: Buffer;
      readonly expiresMs: number | null;
    },
    nowMs: number,
  ): Promise<void> {
    await this.#database
      .insertInto('api_keys')
      .values({
        id: key.id,
        account_id: key.account,
        name: key.name,
        hash: key.hash,
        created_ms: nowMs,
        expires_ms: key.expiresMs,
        scopes: null,
      })
      .execute();
  }

  async findByHash(hash: Buffer): Promise<StoredKey | undefined> {
    const row = await this.#database
      .selectFrom('api_keys')
      .innerJoin('accounts', 'accounts.id', 'api_keys.account_id')
      .select(['api_keys.id', 'account_id', 'disabled', 'hash', 'expires_ms', 'scopes'])
      .where('hash', '=', hash)
      .executeTakeFirst();
    return row === undefined
      ? undefined
      : {
          id: row.id,
          account: row.account_id,
          accountDisabled: row.disabled,
          hash: row.hash,
          expiresMs: row.expires_ms,
          scopes: row.scopes as readonly Scope[] | null,
        };
  }

  async countOf(account: string): Promise<number> {
    const row = await this.#database
      .selectFrom('api_keys')
      .select((select) => select.fn.countAll<number>().as('count'))
      .where('account_id', '=', account)
      .executeTakeFirstOrThrow();
    return row.count;
  }
}
