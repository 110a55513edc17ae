import type { BlueprintFailureReason } from '@berth/contract';
import { type RawBuilder, sql } from 'kysely';
import type { Database } from '../database/database.ts';
import { type NotificationHub, notificationChannel } from '../database/notifications.ts';
import { storableDetail } from '../devboxes/transition.ts';
import { type Blueprint, blueprintTopic } from './blueprint.ts';

/** What a finished build has made. */
export interface BuiltImage {
  readonly sizeBytes: number;
  readonly standIn: string | null;
}

const running = sql`status in ('queued', 'provisioning', 'building')`;

/** Rows of `blueprints` as the keeper works on them. */
export class BlueprintKeeperStore {
  readonly #database: Database;
  readonly #hub: NotificationHub;

  constructor(database: Database, hub: NotificationHub) {
    this.#database = database;
    this.#hub = hub;
  }

  async find(id: string): Promise<Blueprint | undefined> {
    return this.#database.selectFrom('blueprints').selectAll().where('id', '=', id).executeTakeFirst();
  }

  /** Blueprints that are to be built, or whose build or image is to go. Oldest first: that is their place in the line. */
  async unsettled(): Promise<string[]> {
    const found = await sql<{ id: string }>`
      select id from blueprints
      where ${running} or host_state = 'requested' or deleted and host_state = 'present'
      order by id
    `.execute(this.#database);
    return found.rows.map((row) => row.id);
  }

  /** Blueprints of which the host may have something. */
  async onHost(): Promise<Array<Pick<Blueprint, 'id' | 'status' | 'deleted'>>> {
    return this.#database
      .selectFrom('blueprints')
      .select(['id', 'status', 'deleted'])
      .where('host_state', 'in', ['requested', 'present'])
      .execute();
  }

  /** `queued` → `provisioning`, written before the host is asked. False when the build is no longer wanted. */
  async markRequested(id: string): Promise<boolean> {
    return this.#change(
      id,
      sql`update blueprints set status = case when status = 'queued' then 'provisioning' else status end,
        host_state = 'requested', start_ms = coalesce(start_ms, now_ms())
        where id = ${id} and ${running} returning id`,
    );
  }

  /** → `building`: its turn on the host has come. */
  async markBuilding(id: string): Promise<void> {
    await this.#change(
      id,
      sql`update blueprints set status = 'building'
        where id = ${id} and status = 'provisioning' returning id`,
    );
  }

  /** → `build_complete`. False when the build is no longer wanted. */
  async complete(id: string, image: BuiltImage): Promise<boolean> {
    return this.#change(
      id,
      sql`update blueprints set status = 'build_complete', host_state = 'present',  size_bytes = ${Math.round(image.sizeBytes)}, stand_in = ${image.standIn === null ? null : storableDetail(image.standIn)},
        sealed_key_id = null, sealed_credentials = null, finish_ms = now_ms()
        where id = ${id} and ${running} returning id`,
    );
  }

  /** The host has lost a build that had begun: it is to be built again. Gives how often that has happened. */
  async countLost(id: string): Promise<number> {
    const row = await this.#database
      .updateTable('blueprints')
      .set((set) => ({ lost_builds: set('lost_builds', '+', 1) }))
      .where('id', '=', id)
      .returning('lost_builds')
      .executeTakeFirst();
    return row?.lost_builds ?? 0;
  }

  /** → `failed`: the build did, or the host has lost what it made. */
  async fail(id: string, reason: BlueprintFailureReason, message: string): Promise<void> {
    await this.#change(
      id,
      sql`update blueprints set status = 'failed', failure_reason = ${reason}, failure_message = ${storableDetail(message)},
        sealed_key_id = null, sealed_credentials = null, finish_ms = coalesce(finish_ms, now_ms())
        where id = ${id} and status <> 'failed' returning id`,
    );
  }

  /** The build has ended on the host, which keeps its log. */
  async markSettled(id: string): Promise<void> {
    await this.#database
      .updateTable('blueprints')
      .set({ host_state: 'present' })
      .where('id', '=', id)
      .where('host_state', '=', 'requested')
      .execute();
  }

  /** The host has nothing of it any more. */
  async markGone(id: string): Promise<void> {
    await this.#database.updateTable('blueprints').set({ host_state: 'gone' }).where('id', '=', id).execute();
  }

  /** Whether a box is still to be started from it for the first time, or a build still stands on it. */
  async isAwaited(id: string): Promise<boolean> {
    const found = await sql`
      select 1 from devboxes
        where image_blueprint_id = ${id} and status in ('queued', 'provisioning') and host_state in ('absent', 'requested')
      union all
      select 1 from blueprints where base_blueprint_id = ${id} and ${running}
      limit 1
    `.execute(this.#database);
    return found.rows.length > 0;
  }

  async #change(id: string, update: RawBuilder<unknown>): Promise<boolean> {
    const changed = await sql`
      with changed as (${update})
      select pg_notify(${notificationChannel}, ${blueprintTopic(id)}) from changed
    `.execute(this.#database);
    this.#hub.wake(blueprintTopic(id));
    return changed.rows.length > 0;
  }
}
