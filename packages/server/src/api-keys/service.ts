import { createHash } from 'node:crypto';
import { type ApiKeyCreated, newId, randomToken } from '@berth/contract';
import type { Database } from '../database/database.ts';
import { apiError } from '../errors/api-error.ts';
import { ApiKeyStore } from './store.ts';

/** 40 characters of base 62: 238 random bits, so a plain hash protects the key. */
const secretLength = 40;

/** Hash under which a key is stored. */
export const hashKey = (key: string): Buffer => createHash('sha256').update(key).digest();

/** Makes API keys (API §22). */
export class ApiKeyService {
  readonly #store: ApiKeyStore;

  constructor(database: Database) {
    this.#store = new ApiKeyStore(database);
  }

  /** Makes a standard key. Its secret is in this answer and nowhere else. Throws `invalidRequest` for an expiry in the past. */
  async create(
    account: string,
    wish: { readonly name?: string | undefined; readonly expires_at_ms?: number | undefined },
  ): Promise<ApiKeyCreated> {
    const nowMs = Date.now();
    const expiresMs = wish.expires_at_ms ?? null;
    if (expiresMs !== null && expiresMs <= nowMs) {
      throw apiError('invalidRequest', { problem: 'expires_at_ms: must lie in the future' });
    }
    const id = newId('apiKey');
    const secret = `ak_${randomToken(secretLength)}`;
    await this.#store.insert({ id, account, name: wish.name ?? null, hash: hashKey(secret), expiresMs }, nowMs);
    return {
      id,
      ...(wish.name === undefined ? {} : { name: wish.name }),
      key_secret: secret,
      expires_at_ms: expiresMs,
    };
  }

  /** Number of keys of an account, for the bootstrap. */
  async countOf(account: string): Promise<number> {
    return this.#store.countOf(account);
  }
}
