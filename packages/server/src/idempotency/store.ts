import type { Database } from '../database/database.ts';
import type { Answer } from './answer.ts';

/** Rows of `idempotent_requests`. One server at a time serves a database, so an unfinished row that is not running here was left by a dead one. */
export class IdempotencyStore {
  readonly #database: Database;
  readonly #owner: string;

  /** `owner` names this run of the server. */
  constructor(database: Database, owner: string) {
    this.#database = database;
    this.#owner = owner;
  }

  /** Claims the token, or returns the answer that is remembered. Takes over what is expired or was left by another run. */
  async begin(
    token: string,
    fingerprint: Buffer,
    nowMs: number,
    expiredBeforeMs: number,
  ): Promise<'begun' | (Answer & { readonly fingerprint: Buffer })> {
    const claimed = await this.#database
      .insertInto('idempotent_requests')
      .values({ token, fingerprint, owner: this.#owner, status: null, body: null, created_ms: nowMs })
      .onConflict((conflict) =>
        conflict
          .column('token')
          .doUpdateSet({ fingerprint, owner: this.#owner, status: null, body: null, created_ms: nowMs })
          .where((where) =>
            where.or([
              where('idempotent_requests.status', 'is', null),
              where('idempotent_requests.created_ms', '<', expiredBeforeMs),
            ]),
          ),
      )
      .returning('token')
      .executeTakeFirst();
    if (claimed !== undefined) {
      return 'begun';
    }
    const row = await this.#database
      .selectFrom('idempotent_requests')
      .select(['status', 'body', 'fingerprint'])
      .where('token', '=', token)
      .executeTakeFirst();
    if (row === undefined || row.status === null) {
      return this.begin(token, fingerprint, nowMs, expiredBeforeMs);
    }
    return { status: row.status, body: row.body ?? '{}', fingerprint: row.fingerprint };
  }

  async finish(token: string, answer: Answer): Promise<void> {
    await this.#database
      .updateTable('idempotent_requests')
      .set({ status: answer.status, body: answer.body })
      .where('token', '=', token)
      .where('owner', '=', this.#owner)
      .execute();
  }

  async forget(token: string): Promise<void> {
    await this.#database
      .deleteFrom('idempotent_requests')
      .where('token', '=', token)
      .where('owner', '=', this.#owner)
      .execute();
  }

  async deleteOlderThan(ms: number): Promise<number> {
    const requests = await this.#database
      .deleteFrom('idempotent_requests')
      .where('created_ms', '<', ms)
      .executeTakeFirst();
    const creations = await this.#database
      .deleteFrom('idempotent_creations')
      .where('created_ms', '<', ms)
      .executeTakeFirst();
    return Number(requests.numDeletedRows + creations.numDeletedRows);
  }
}
