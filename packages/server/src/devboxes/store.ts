import { type RawBuilder, sql } from 'kysely';
import { lockBlueprint } from '../blueprints/lock.ts';
import type { Database } from '../database/database.ts';
import type { NotificationHub } from '../database/notifications.ts';
import { createOnce } from '../idempotency/create-once.ts';
import type { PlannedMount } from '../mounts/mount-kind.ts';
import { devboxTopic } from './announce.ts';
import { type Devbox, devboxColumns, toDevbox } from './devbox.ts';
import { insertDevbox, type NewDevbox, type Place, requireImage } from './insert.ts';

/** Time by the clock of the database. */
export const databaseNow: RawBuilder<number> = sql<number>`now_ms()`;

/** The id that a create stands for, and the box as it was written when it was written now. */
export interface InsertedDevbox {
  readonly id: string;
  readonly box: Devbox | undefined;
}

/** Rows of `devboxes`, one at a time. Times come from the clock of the database. */
export class DevboxStore {
  readonly #database: Database;
  readonly #hub: NotificationHub;

  constructor(database: Database, hub: NotificationHub) {
    this.#database = database;
    this.#hub = hub;
  }

  /** Writes the box, once per token. Throws `unknownSource`, `snapshotNotReady` or `blueprintNotReady`. */
  async insert(box: NewDevbox, places: ReadonlyMap<string, Place>, token: string | undefined): Promise<InsertedDevbox> {
    if (box.image === null && box.imageBlueprintId === null) {
      const inserted = await insertDevbox(this.#database, box, places, token);
      const id = inserted === undefined ? await this.madeBy(token) : box.id;
      if (id === undefined) {
        throw new Error('a token was taken and names nothing');
      }
      return { id, box: inserted };
    }
    let inserted: Devbox | undefined;
    const made = await createOnce(this.#database, token, box.id, async (transaction) => {
      if (box.image !== null) {
        await requireImage(transaction, box.accountId, box.image.id);
      }
      if (box.imageBlueprintId !== null) {
        await lockBlueprint(transaction, box.accountId, { id: box.imageBlueprintId });
      }
      inserted = await insertDevbox(transaction, box, places);
    });
    return { id: made.id, box: made.created ? inserted : undefined };
  }

  /** The resource that the token has made, if it has. */
  async madeBy(token: string | undefined): Promise<string | undefined> {
    const row =
      token === undefined
        ? undefined
        : await this.#database
            .selectFrom('idempotent_creations')
            .select('resource_id')
            .where('token', '=', token)
            .executeTakeFirst();
    return row?.resource_id;
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

  /** All mounts of a box of which some are still to be placed. */
  async plannedMounts(id: string): Promise<PlannedMount[]> {
    const row = await this.#database.selectFrom('devboxes').select('mounts').where('id', '=', id).executeTakeFirst();
    return JSON.parse(row?.mounts ?? '[]');
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
        revision: sql<number>`revision + 1`,
      })
      .where('id', '=', id)
      .where('account_id', '=', accountId)
      .returning(devboxColumns)
      .executeTakeFirst();
    this.#hub.wake(devboxTopic(id));
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
      .where('status', 'in', ['queued', 'provisioning', 'initializing', 'running'])
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
      .where('resume', 'is', null)
      .returning('id')
      .executeTakeFirst();
    return row !== undefined;
  }

  /** Written before the host is asked to make the box upon it. Undefined when it is no longer wanted. */
  async setLayer(id: string, layer: Devbox['layer']): Promise<Devbox | undefined> {
    const row = await this.#database
      .updateTable('devboxes')
      .set({ layer: layer === null ? null : JSON.stringify(layer) })
      .where('id', '=', id)
      .where('status', '=', 'provisioning')
      .returning(devboxColumns)
      .executeTakeFirst();
    return row && toDevbox(row);
  }

  /** All mounts but the last `left` are in the box: they are not placed again, whatever commands do to them. */
  async markMounted(id: string, left: number): Promise<void> {
    await this.#database
      .updateTable('devboxes')
      .set({ mounts_left: left, ...(left === 0 ? { mounts: null } : {}) })
      .where('id', '=', id)
      .execute();
  }

  /** The host has let go of all but the spool. */
  async markDestroyed(id: string): Promise<void> {
    await this.#database
      .updateTable('devboxes')
      .set((set) => ({
        host_state: 'destroyed',
        destroyed_ms: databaseNow,
        mounts: null,
        mounts_left: 0,
        revision: set('revision', '+', 1),
      }))
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
