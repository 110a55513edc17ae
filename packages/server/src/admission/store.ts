import { sql } from 'kysely';
import type { Database } from '../database/database.ts';
import { type NotificationHub, notificationChannel } from '../database/notifications.ts';
import { type Devbox, devboxColumns, toDevbox } from '../devboxes/devbox.ts';

/** Topic that is announced when boxes of an account are to be evicted. */
export const evictionsTopic = (accountId: string): string => `evictions:${accountId}`;

/** A box that will be suspended to make room for others (API §6). */
export interface Eviction {
  readonly id: string;
  readonly deadlineMs: number;
}

/** Rows of `devboxes` as admission and evictions ask for them. */
export class AdmissionStore {
  readonly #database: Database;
  readonly #hub: NotificationHub;

  constructor(database: Database, hub: NotificationHub) {
    this.#database = database;
    this.#hub = hub;
  }

  /** Every box that holds something, or those of one account, in the order of their last changes; with each whether it is to be evicted. */
  async holders(accountId?: string): Promise<Array<{ readonly box: Devbox; readonly isEvicted: boolean }>> {
    const rows = await this.#database
      .selectFrom('devboxes')
      .select([...devboxColumns, 'evict_ms'])
      .$if(accountId !== undefined, (all) => all.where('account_id', '=', accountId ?? ''))
      .where(sql<boolean>`status not in ('failure', 'shutdown') or host_state in ('requested', 'present')`)
      .orderBy('status_ms')
      .orderBy('id')
      .execute();
    return rows.map((row) => ({ box: toDevbox(row), isEvicted: row.evict_ms !== null }));
  }

  async find(id: string): Promise<Devbox | undefined> {
    const row = await this.#database
      .selectFrom('devboxes')
      .select(devboxColumns)
      .where('id', '=', id)
      .executeTakeFirst();
    return row && toDevbox(row);
  }

  /** Sets and announces the evictions of those that run. */
  async beginEvictions(ids: readonly string[], noticeMs: number): Promise<void> {
    const begun = await sql<{ account_id: string }>`
      with begun as (
        update devboxes set evict_ms = now_ms() + ${noticeMs}::bigint
        where id = any(${[...ids]}::text[]) and status = 'running' and evict_ms is null
        returning account_id
      )
      select account_id, pg_notify(${notificationChannel}, 'evictions:' || account_id) from begun
    `.execute(this.#database);
    for (const { account_id } of begun.rows) {
      this.#hub.wake(evictionsTopic(account_id));
    }
  }

  /** The room is no longer needed. */
  async cancelEviction(id: string): Promise<void> {
    await this.#database.updateTable('devboxes').set({ evict_ms: null }).where('id', '=', id).execute();
  }

  /** Boxes of the account with a pending eviction, the next one first. */
  async pendingEvictions(accountId: string): Promise<Eviction[]> {
    const rows = await this.#database
      .selectFrom('devboxes')
      .select(['id', 'evict_ms'])
      .where('account_id', '=', accountId)
      .where('evict_ms', 'is not', null)
      .where('status', '=', 'running')
      .orderBy('evict_ms')
      .execute();
    return rows.map((row) => ({ id: row.id, deadlineMs: row.evict_ms ?? 0 }));
  }
}
