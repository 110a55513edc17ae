import type { Selectable } from 'kysely';
import type { Database } from '../database/database.ts';
import type { SecretsTable } from '../database/schema.ts';
import type { Sealed } from './master-key.ts';

export type SecretRow = Selectable<SecretsTable>;

/** How a caller names a secret. */
export type SecretReference = { readonly name: string } | { readonly id: string };

/** Rows of `secrets`, always within one account. */
export class SecretStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Inserts; `undefined` when the account has that name already. */
  async insert(
    secret: { readonly id: string; readonly account: string; readonly name: string; readonly sealed: Sealed },
    nowMs: number,
    database: Database = this.#database,
  ): Promise<SecretRow | undefined> {
    return database
      .insertInto('secrets')
      .values({
        id: secret.id,
        account_id: secret.account,
        name: secret.name,
        key_id: secret.sealed.keyId,
        sealed_value: secret.sealed.bytes,
        created_ms: nowMs,
        updated_ms: nowMs,
      })
      .onConflict((conflict) => conflict.columns(['account_id', 'name']).doNothing())
      .returningAll()
      .executeTakeFirst();
  }

  async find(account: string, reference: SecretReference): Promise<SecretRow | undefined> {
    const query = this.#database.selectFrom('secrets').selectAll().where('account_id', '=', account);
    return 'id' in reference
      ? query.where('id', '=', reference.id).executeTakeFirst()
      : query.where('name', '=', reference.name).executeTakeFirst();
  }

  async findByNames(account: string, names: readonly string[]): Promise<SecretRow[]> {
    if (names.length === 0) {
      return [];
    }
    return this.#database
      .selectFrom('secrets')
      .selectAll()
      .where('account_id', '=', account)
      .where('name', 'in', [...names])
      .execute();
  }

  /** Newest first; one more than `limit` tells whether there are further ones. */
  async list(account: string, limit: number): Promise<SecretRow[]> {
    return this.#database
      .selectFrom('secrets')
      .selectAll()
      .where('account_id', '=', account)
      .orderBy('id', 'desc')
      .limit(limit)
      .execute();
  }

  async count(account: string): Promise<number> {
    const row = await this.#database
      .selectFrom('secrets')
      .select((select) => select.fn.countAll<number>().as('count'))
      .where('account_id', '=', account)
      .executeTakeFirstOrThrow();
    return row.count;
  }

  async setValue(account: string, id: string, sealed: Sealed, nowMs: number): Promise<SecretRow | undefined> {
    return this.#database
      .updateTable('secrets')
      .set({ key_id: sealed.keyId, sealed_value: sealed.bytes, updated_ms: nowMs })
      .where('account_id', '=', account)
      .where('id', '=', id)
      .returningAll()
      .executeTakeFirst();
  }

  async delete(account: string, id: string): Promise<SecretRow | undefined> {
    return this.#database
      .deleteFrom('secrets')
      .where('account_id', '=', account)
      .where('id', '=', id)
      .returningAll()
      .executeTakeFirst();
  }
}
