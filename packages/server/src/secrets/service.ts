import { newId, type SecretListView, type SecretView } from '@berth/contract';
import type { Database } from '../database/database.ts';
import { apiError } from '../errors/api-error.ts';
import { createOnce } from '../idempotency/create-once.ts';
import type { MasterKey, Sealed } from './master-key.ts';
import { type SecretReference, type SecretRow, SecretStore } from './store.ts';

const view = (row: SecretRow): SecretView => ({
  id: row.id,
  name: row.name,
  create_time_ms: row.created_ms,
  update_time_ms: row.updated_ms,
});

/** Secrets of accounts (API §18). Values go in and reach boxes; no answer ever holds one. */
export class SecretService {
  readonly #store: SecretStore;
  readonly #masterKey: MasterKey;
  readonly #database: Database;

  constructor(options: { readonly database: Database; readonly masterKey: MasterKey }) {
    this.#store = new SecretStore(options.database);
    this.#masterKey = options.masterKey;
    this.#database = options.database;
  }

  /** Stores a new secret. Throws `duplicateName`. */
  async create(
    account: string,
    wish: { readonly name: string; readonly value: string },
    idempotencyToken?: string,
  ): Promise<SecretView> {
    const id = newId('secret');
    const creation = await createOnce(this.#database, idempotencyToken, id, async (transaction) => {
      const sealed = this.#masterKey.seal(wish.value, account, id);
      const row = await this.#store.insert({ id, account, name: wish.name, sealed }, Date.now(), transaction);
      if (row === undefined) {
        throw apiError('duplicateName', { resource: 'secret', name: wish.name });
      }
    });
    return this.get(account, { id: creation.id });
  }

  /** Throws `notFound`. */
  async get(account: string, reference: SecretReference): Promise<SecretView> {
    return view(await this.#require(account, reference));
  }

  async list(account: string, limit: number): Promise<SecretListView> {
    const [rows, total] = await Promise.all([this.#store.list(account, limit + 1), this.#store.count(account)]);
    return { secrets: rows.slice(0, limit).map(view), has_more: rows.length > limit, total_count: total };
  }

  /** Replaces the value; boxes made earlier keep the old one. Throws `notFound`. */
  async update(account: string, reference: SecretReference, value: string): Promise<SecretView> {
    const { id } = await this.#require(account, reference);
    const row = await this.#store.setValue(account, id, this.#masterKey.seal(value, account, id), Date.now());
    return view(row ?? notFound(reference));
  }

  /** Deletes at once. Returns the secret as it was. Throws `notFound`. */
  async delete(account: string, reference: SecretReference): Promise<SecretView> {
    const { id } = await this.#require(account, reference);
    const row = await this.#store.delete(account, id);
    return view(row ?? notFound(reference));
  }

  /** Values by name, for the environment of a box. Names that the account does not have are missing in the answer. */
  async reveal(account: string, names: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const rows = await this.#store.findByNames(account, names);
    return new Map(
      rows.map((row) => [
        row.name,
        this.#masterKey.open({ keyId: row.key_id, bytes: row.sealed_value }, account, row.id),
      ]),
    );
  }

  /** Seals a text that belongs to another resource of the account, which keeps it. */
  seal(account: string, id: string, text: string): Sealed {
    return this.#masterKey.seal(text, account, id);
  }

  /** Opens what `seal` made. Throws when it was made by another key or for another resource. */
  open(account: string, id: string, sealed: Sealed): string {
    return this.#masterKey.open(sealed, account, id);
  }

  async #require(account: string, reference: SecretReference): Promise<SecretRow> {
    return (await this.#store.find(account, reference)) ?? notFound(reference);
  }
}

const notFound = (reference: SecretReference): never => {
  throw apiError('notFound', { resource: 'secret', id: 'id' in reference ? reference.id : reference.name });
};
