import { timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { Database } from '../database/database.ts';
import { apiError } from '../errors/api-error.ts';
import type { Caller } from '../http/context.ts';
import { hashKey } from './service.ts';
import { ApiKeyStore, type StoredKey } from './store.ts';

/** A change of a key or account takes at most this long to be seen where no announcement came through. */
const cacheMs = 10_000;
const maximumCached = 10_000;
const maximumKeyLength = 256;

/** Topic to announce when a key or account was changed or taken away. */
export const apiKeysTopic = 'api-keys';

/** Turns the Authorization header into a caller. Keys are cached by hash for a short time, never in clear text. */
export class Authentication {
  readonly #store: ApiKeyStore;
  readonly #cache = new Map<string, { readonly key: StoredKey; readonly untilMs: number }>();

  constructor(database: Database) {
    this.#store = new ApiKeyStore(database);
  }

  /** Throws `unauthorized` and `accountDisabled`; a database that is away shows as `databaseUnavailable`. */
  async authenticate(headers: IncomingHttpHeaders): Promise<Caller> {
    const presented = /^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1];
    if (presented === undefined) {
      throw apiError('unauthorized', { problem: 'missing or invalid Authorization header' });
    }
    if (!/^(ak|rk)_/.test(presented) || presented.length > maximumKeyLength) {
      throw apiError('unauthorized', { problem: 'invalid API key' });
    }
    const key = await this.#find(hashKey(presented));
    if (key === undefined) {
      throw apiError('unauthorized', { problem: 'invalid API key' });
    }
    if (key.expiresMs !== null && key.expiresMs <= Date.now()) {
      throw apiError('unauthorized', { problem: 'invalid API key: it has expired' });
    }
    if (key.accountDisabled) {
      throw apiError('accountDisabled');
    }
    return { account: key.account, keyId: key.id, scopes: key.scopes };
  }

  /** Forgets what is cached, so that a change is seen by the next request. */
  forget(): void {
    this.#cache.clear();
  }

  async #find(hash: Buffer): Promise<StoredKey | undefined> {
    const name = hash.toString('base64');
    const cached = this.#cache.get(name);
    if (cached !== undefined && cached.untilMs > Date.now()) {
      return cached.key;
    }
    this.#cache.delete(name);
    const key = await this.#store.findByHash(hash);
    if (key === undefined || !timingSafeEqual(key.hash, hash)) {
      return undefined;
    }
    if (this.#cache.size >= maximumCached) {
      // Maps keep insertion order: the first is the oldest.
      const oldest = this.#cache.keys().next().value;
      if (oldest !== undefined) {
        this.#cache.delete(oldest);
      }
    }
    this.#cache.set(name, { key, untilMs: Date.now() + cacheMs });
    return key;
  }
}
