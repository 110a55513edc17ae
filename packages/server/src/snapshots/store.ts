import { type RawBuilder, sql } from 'kysely';
import type { Database } from '../database/database.ts';
import { type NotificationHub, notificationChannel } from '../database/notifications.ts';
import { createOnce } from '../idempotency/create-once.ts';
import { type Snapshot, snapshotsUnsettledTopic, snapshotTopic } from './snapshot.ts';
import { sourceBlueprint } from './source-blueprint.ts';

/** A snapshot about to be taken for a client. */
export interface NewSnapshot {
  readonly id: string;
  readonly accountId: string;
  readonly devboxId: string;
  readonly name: string | null;
  readonly commitMessage: string | null;
  readonly metadata: Readonly<Record<string, string>>;
}

/** How many snapshots an account has, and their bytes. */
export interface SnapshotUsage {
  readonly count: number;
  readonly bytes: number;
}

/** Statuses of a box whose disk can be kept. */
export const snapshotableStatuses = ['running', 'suspended'] as const;

const announcements = (id: string): RawBuilder<unknown> =>
  sql`pg_notify(${notificationChannel}, ${snapshotTopic(id)}), pg_notify(${notificationChannel}, ${snapshotsUnsettledTopic})`;

/** Rows of `snapshots` as callers of the API ask for them. Times come from the clock of the database. */
export class SnapshotStore {
  readonly #database: Database;
  readonly #hub: NotificationHub;

  constructor(database: Database, hub: NotificationHub) {
    this.#database = database;
    this.#hub = hub;
  }

  /**
   * Writes the snapshot as `in_progress`, once per token, and gives the id that the token stands for. `checkQuota` may throw; `refuse` has
   * to, and is called when the box is not (or no longer) one whose disk can be kept.
   */
  async insert(
    snapshot: NewSnapshot,
    token: string | undefined,
    checkQuota: (usage: SnapshotUsage) => void,
    refuse: () => Promise<never>,
  ): Promise<string> {
    const made = await createOnce(this.#database, token, snapshot.id, async (transaction) => {
      // One at a time in an account: what another one is about to add counts.
      await sql`select pg_advisory_xact_lock(hashtextextended(${`snapshots:${snapshot.accountId}`}, 0))`.execute(
        transaction,
      );
      checkQuota(await usageOf(transaction, snapshot.accountId));
      const inserted = await sql<{ id: string }>`
        insert into snapshots (id, account_id, devbox_id, source_blueprint_id, status, name, commit_message, metadata, create_ms)
        select ${snapshot.id}, account_id, id, ${sourceBlueprint}, 'in_progress', ${snapshot.name}, ${snapshot.commitMessage},
          ${JSON.stringify(snapshot.metadata)}::jsonb, now_ms()
        from devboxes
        where id = ${snapshot.devboxId} and account_id = ${snapshot.accountId}
          and status = any(${[...snapshotableStatuses]})
        for share
        returning id
      `.execute(transaction);
      if (inserted.rows.length === 0) {
        await refuse();
      }
      await sql`select ${announcements(snapshot.id)}`.execute(transaction);
    });
    return made.id;
  }

  /** How many snapshots the account has, and their bytes. */
  async usage(accountId: string): Promise<SnapshotUsage> {
    return usageOf(this.#database, accountId);
  }

  /** The snapshot if the account has it and may know of it. */
  async findOwned(accountId: string, id: string): Promise<Snapshot | undefined> {
    return this.#database
      .selectFrom('snapshots')
      .selectAll()
      .where('id', '=', id)
      .where('account_id', '=', accountId)
      .where('internal', '=', false)
      .executeTakeFirst();
  }

  /** Changes what describes it; what is undefined stays. Undefined when there is nothing to change. */
  async update(
    accountId: string,
    id: string,
    change: {
      readonly name: string | null | undefined;
      readonly commitMessage: string | null | undefined;
      readonly metadata: Readonly<Record<string, string>> | undefined;
    },
  ): Promise<Snapshot | undefined> {
    return this.#database
      .updateTable('snapshots')
      .set({
        ...(change.name === undefined ? {} : { name: change.name }),
        ...(change.commitMessage === undefined ? {} : { commit_message: change.commitMessage }),
        ...(change.metadata === undefined ? {} : { metadata: JSON.stringify(change.metadata) }),
        // Keeps the statement valid when nothing is to change.
        id,
      })
      .where('id', '=', id)
      .where('account_id', '=', accountId)
      .where('internal', '=', false)
      .where('status', '!=', 'deleted')
      .returningAll()
      .executeTakeFirst();
  }

  /** `complete` or `error` → `deleted`. False when it was in neither. */
  async markDeleted(accountId: string, id: string): Promise<boolean> {
    const changed = await sql`
      with changed as (
        update snapshots set status = 'deleted'
        where id = ${id} and account_id = ${accountId} and not internal and status in ('complete', 'error')
        returning id
      )
      select id, ${announcements(id)} from changed
    `.execute(this.#database);
    this.#hub.wake(snapshotTopic(id));
    return changed.rows.length > 0;
  }
}

const usageOf = async (database: Database, accountId: string): Promise<SnapshotUsage> => {
  const found = await sql<SnapshotUsage>`
    select count(*) as count, coalesce(sum(size_bytes), 0)::bigint as bytes from snapshots
    where account_id = ${accountId} and not internal and status in ('in_progress', 'complete')
  `.execute(database);
  return found.rows[0] ?? { count: 0, bytes: 0 };
};
