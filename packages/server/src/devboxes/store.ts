import type { LaunchParameters } from '@berth/contract';
import { type RawBuilder, sql } from 'kysely';
import type { Database } from '../database/database.ts';
import { type NotificationHub, notificationChannel } from '../database/notifications.ts';
import { createOnce } from '../idempotency/create-once.ts';
import { type Devbox, type DevboxWish, devboxColumns, toDevbox } from './devbox.ts';

/** Time by the clock of the database. */
export const databaseNow: RawBuilder<number> = sql<number>`now_ms()`;

/** Topic that is announced with every change of one box. */
export const devboxTopic = (id: string): string => `devbox:${id}`;

/** Topic that is announced when a box needs the reconciler. */
export const unsettledTopic = 'devboxes:unsettled';

/** Announces a topic when the surrounding statement commits. */
export const announce = (topic: string): RawBuilder<unknown> => sql`pg_notify(${notificationChannel}, ${topic})`;

/** A box about to be made. */
export interface NewDevbox {
  readonly id: string;
  readonly accountId: string;
  readonly name: string | null;
  readonly metadata: Readonly<Record<string, string>>;
  readonly launchParameters: LaunchParameters;
  readonly wish: DevboxWish;
  readonly fileMounts: Readonly<Record<string, string>>;
  readonly idleMs: number | null;
  /** Bound of the whole life, until the lifetime proper begins with `running`. */
  readonly expiresInMs: number;
}

/** Rows of `devboxes`, one at a time. Times come from the clock of the database. */
export class DevboxStore {
  readonly #database: Database;
  readonly #hub: NotificationHub;

  constructor(database: Database, hub: NotificationHub) {
    this.#database = database;
    this.#hub = hub;
  }

  /** Writes the box in status `provisioning`, once per token. Returns the id of the box that the token stands for. */
  async insert(box: NewDevbox, token: string | undefined): Promise<string> {
    const made = await createOnce(this.#database, token, box.id, async (transaction) => {
      await sql`
        with moment as (select now_ms() as ms)
        insert into devboxes (id, account_id, name, metadata, status, transitions, launch_parameters, wish, file_mounts,
          create_ms, expires_ms, idle_ms, activity_ms)
        select ${box.id}, ${box.accountId}, ${box.name}, ${JSON.stringify(box.metadata)}::jsonb, 'provisioning',
          jsonb_build_array(jsonb_build_object('status', 'provisioning', 'at_ms', moment.ms)),
          ${JSON.stringify(box.launchParameters)}, ${JSON.stringify(box.wish)},
          ${Object.keys(box.fileMounts).length === 0 ? null : JSON.stringify(box.fileMounts)},
          moment.ms, moment.ms + ${box.expiresInMs}, ${box.idleMs}::bigint, moment.ms
        from moment
      `.execute(transaction);
      await sql`select ${announce(unsettledTopic)}`.execute(transaction);
    });
    return made.id;
  }

  /** The time by which boxes live. */
  async nowMs(): Promise<number> {
    const found = await sql<{ ms: number }>`select now_ms() as ms`.execute(this.#database);
    return found.rows[0]?.ms ?? Date.now();
  }

  /** The box of that id, of whatever account. */
  async find(id: string): Promise<Devbox | undefined> {
    const row = await this.#database
      .selectFrom('devboxes')
      .select(devboxColumns)
      .where('id', '=', id)
      .executeTakeFirst();
    return row && toDevbox(row);
  }

  /** The box with the files that are still to be written into it. */
  async findWithMounts(id: string): Promise<Devbox | undefined> {
    const row = await this.#database
      .selectFrom('devboxes')
      .select([...devboxColumns, 'file_mounts'])
      .where('id', '=', id)
      .executeTakeFirst();
    return row && toDevbox(row);
  }

  /** The box if it belongs to the account. */
  async findOwned(accountId: string, id: string): Promise<Devbox | undefined> {
    const box = await this.find(id);
    return box?.accountId === accountId ? box : undefined;
  }

  /** Changes name or metadata; what is undefined stays. */
  async update(
    accountId: string,
    id: string,
    change: {
      readonly name: string | null | undefined;
      readonly metadata: Readonly<Record<string, string>> | undefined;
    },
  ): Promise<Devbox | undefined> {
    const row = await this.#database
      .updateTable('devboxes')
      .set({
        ...(change.name === undefined ? {} : { name: change.name }),
        ...(change.metadata === undefined ? {} : { metadata: JSON.stringify(change.metadata) }),
        // Keeps the statement valid when nothing is to change.
        id,
      })
      .where('id', '=', id)
      .where('account_id', '=', accountId)
      .returning(devboxColumns)
      .executeTakeFirst();
    return row && toDevbox(row);
  }

  /** Restarts lifetime and idle timer. False when the box has ended. */
  async keepAlive(accountId: string, id: string, lifetimeMs: number | null): Promise<boolean> {
    const row = await this.#database
      .updateTable('devboxes')
      .set((set) => ({
        activity_ms: databaseNow,
        expires_ms: set
          .case()
          .when('status', '=', 'running')
          .then(sql<number | null>`now_ms() + ${lifetimeMs}::bigint`)
          .else(set.ref('expires_ms'))
          .end(),
      }))
      .where('id', '=', id)
      .where('account_id', '=', accountId)
      .where('status', 'in', ['provisioning', 'initializing', 'running'])
      .returning('id')
      .executeTakeFirst();
    return row !== undefined;
  }

  /** Written before the host is asked to make the box. False when it is no longer wanted. */
  async markRequested(id: string): Promise<boolean> {
    const row = await this.#database
      .updateTable('devboxes')
      .set({ host_state: 'requested' })
      .where('id', '=', id)
      .where('status', '=', 'provisioning')
      .returning('id')
      .executeTakeFirst();
    return row !== undefined;
  }

  /** All mounted files are in the box: they are not written again, whatever commands do to them. */
  async markMountsPlaced(id: string): Promise<void> {
    await this.#database.updateTable('devboxes').set({ file_mounts: null }).where('id', '=', id).execute();
  }

  /** The host has let go of all but the spool. */
  async markDestroyed(id: string): Promise<void> {
    await this.#database
      .updateTable('devboxes')
      .set({ host_state: 'destroyed', destroyed_ms: databaseNow, file_mounts: null })
      .where('id', '=', id)
      .where('status', 'in', ['failure', 'shutdown'])
      .execute();
    this.#hub.wake(devboxTopic(id));
  }

  /** The host has let go of the spool too. */
  async markForgotten(id: string): Promise<void> {
    await this.#database.updateTable('devboxes').set({ host_state: 'forgotten' }).where('id', '=', id).execute();
    this.#hub.wake(devboxTopic(id));
  }
}
