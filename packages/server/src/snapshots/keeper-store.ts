import type { SnapshotState } from '@berth/host/contract';
import { sql } from 'kysely';
import type { Database } from '../database/database.ts';
import { type NotificationHub, notificationChannel } from '../database/notifications.ts';
import { storableDetail } from '../devboxes/transition.ts';
import { type Snapshot, snapshotTopic } from './snapshot.ts';

/** Rows of `snapshots` as the keeper works on them. */
export class SnapshotKeeperStore {
  readonly #database: Database;
  readonly #hub: NotificationHub;

  constructor(database: Database, hub: NotificationHub) {
    this.#database = database;
    this.#hub = hub;
  }

  async find(id: string): Promise<Snapshot | undefined> {
    return this.#database.selectFrom('snapshots').selectAll().where('id', '=', id).executeTakeFirst();
  }

  /** Snapshots that are to be taken, or to go. */
  async unsettled(): Promise<string[]> {
    const found = await sql<{ id: string }>`
      select id from snapshots
      where status = 'in_progress' or host_state in ('requested', 'present') and (internal or status in ('error', 'deleted'))
    `.execute(this.#database);
    return found.rows.map((row) => row.id);
  }

  /** Snapshots that the host should have, with what it may have besides. */
  async onHost(): Promise<Array<Pick<Snapshot, 'id' | 'status' | 'host_state'>>> {
    return this.#database
      .selectFrom('snapshots')
      .select(['id', 'status', 'host_state'])
      .where('host_state', 'in', ['requested', 'present'])
      .execute();
  }

  /** Written before the host is asked to take it. False when it is no longer wanted. */
  async markRequested(id: string): Promise<boolean> {
    const row = await this.#database
      .updateTable('snapshots')
      .set({ host_state: 'requested' })
      .where('id', '=', id)
      .where('status', '=', 'in_progress')
      .returning('id')
      .executeTakeFirst();
    return row !== undefined;
  }

  /** It is taken. Forks that wait for it know from now on how long their source stood still. */
  async complete(state: SnapshotState): Promise<void> {
    const pausedMs = Math.round(state.pausedMs);
    await this.#change(
      state.id,
      sql`update snapshots set status = 'complete', host_state = 'present', isolation = ${state.isolation}, size_bytes = ${state.diskBytes},
        memory_bytes = ${state.memoryBytes}, with_memory = ${state.hasMemory}, paused_ms = ${pausedMs}, end_ms = now_ms()
        where id = ${state.id} and status = 'in_progress' returning id, internal`,
      sql`, told as (
        update devboxes set source_pause_ms = ${pausedMs} from changed where changed.internal and devboxes.image_id = changed.id
      )`,
    );
  }

  /** It could not be taken, or the host has lost it. */
  async fail(id: string, message: string): Promise<void> {
    await this.#change(
      id,
      sql`update snapshots set status = 'error', error_message = ${storableDetail(message)}, end_ms = now_ms()
        where id = ${id} and status in ('in_progress', 'complete') returning id`,
    );
  }

  /** An internal one has served its purpose. */
  async markSpent(id: string): Promise<void> {
    await this.#change(
      id,
      sql`update snapshots set status = 'deleted' where id = ${id} and internal and status = 'complete' returning id`,
    );
  }

  /** The host has nothing of it any more. */
  async markGone(id: string): Promise<void> {
    await this.#database.updateTable('snapshots').set({ host_state: 'gone' }).where('id', '=', id).execute();
  }

  /** Whether a box is still to be started from it for the first time. */
  async isAwaited(id: string): Promise<boolean> {
    const row = await this.#database
      .selectFrom('devboxes')
      .select('id')
      .where('image_id', '=', id)
      .where('status', 'in', ['queued', 'provisioning'])
      .where('host_state', 'in', ['absent', 'requested'])
      .limit(1)
      .executeTakeFirst();
    return row !== undefined;
  }

  /** `besides` follows the update as a further part of the same statement. */
  async #change(id: string, update: ReturnType<typeof sql>, besides = sql``): Promise<void> {
    await sql`
      with changed as (${update})${besides}
      select id, pg_notify(${notificationChannel}, ${snapshotTopic(id)}) from changed
    `.execute(this.#database);
    this.#hub.wake(snapshotTopic(id));
  }
}
