import type { Logger } from 'pino';
import type { Database } from '../database/database.ts';
import { ApiError, apiError } from '../errors/api-error.ts';
import type { Answer } from './answer.ts';
import { IdempotencyStore } from './store.ts';

/** How long an answer is remembered. */
export const retentionMs = 24 * 3_600_000;
/** Larger answers are not remembered: the request runs again. */
const maximumAnswerCharacters = 1024 * 1024;

/**
 * Runs a request at most once per token (API §2.5). Concurrent repetitions wait for the first and get its answer. Answers of 500 and above,
 * 408, and what fails for want of a database or host are forgotten, so that a retry is a new attempt. A row left by a server that was killed
 * is taken over: the request runs again, and what it created before is found by its creation token (see `createOnce`).
 */
export class IdempotencyService {
  readonly #store: IdempotencyStore;
  readonly #log: Logger;
  readonly #running = new Map<string, Promise<Answer>>();

  constructor(options: { readonly database: Database; readonly owner: string; readonly log: Logger }) {
    this.#store = new IdempotencyStore(options.database, options.owner);
    this.#log = options.log;
  }

  /** Gives the remembered answer, or that of the same request now running, or that of `work`. */
  async run(token: string, fingerprint: Buffer, work: () => Promise<Answer>): Promise<Answer> {
    const running = this.#running.get(token);
    if (running !== undefined) {
      // Whether it succeeds or fails, the outcome of the first is settled before the store is asked.
      await running.catch(() => undefined);
      return this.run(token, fingerprint, work);
    }
    const attempt = this.#attempt(token, fingerprint, work);
    this.#running.set(token, attempt);
    try {
      return await attempt;
    } finally {
      this.#running.delete(token);
    }
  }

  /** Deletes what is older than the retention. Returns the number of rows. */
  async sweep(nowMs: number = Date.now()): Promise<number> {
    return this.#store.deleteOlderThan(nowMs - retentionMs);
  }

  async #attempt(token: string, fingerprint: Buffer, work: () => Promise<Answer>): Promise<Answer> {
    const found = await this.#store.begin(token, fingerprint, Date.now(), Date.now() - retentionMs);
    if (found !== 'begun') {
      if (!found.fingerprint.equals(fingerprint)) {
        throw apiError('idempotencyKeyReused');
      }
      return found;
    }
    try {
      const answer = await work();
      await this.#remember(token, answer);
      return answer;
    } catch (error) {
      if (error instanceof ApiError && error.status < 500 && error.status !== 408) {
        await this.#remember(token, { status: error.status, body: JSON.stringify(error.body()) });
      } else {
        await this.#store.forget(token).catch(() => undefined);
      }
      throw error;
    }
  }

  /** The work is done: failing to remember it must not turn its answer into an error. */
  async #remember(token: string, answer: Answer): Promise<void> {
    try {
      if (answer.body.length > maximumAnswerCharacters) {
        await this.#store.forget(token);
      } else {
        await this.#store.finish(token, answer);
      }
    } catch (error) {
      this.#log.warn({ err: error }, 'answer not remembered');
    }
  }
}
