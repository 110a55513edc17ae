import { idPrefixes } from '@berth/contract';
import { type Selectable, sql } from 'kysely';
import type { Database } from '../database/database.ts';
import { notificationChannel } from '../database/notifications.ts';
import type { MountLayersTable } from './table.ts';

/** A layer as its row has it. */
export interface LayerRow {
  readonly id: string;
  readonly status: 'making' | 'ready';
  readonly sizeBytes: number;
  /** What it lies upon: the id of a blueprint, or the name of a default image. */
  readonly image: string;
  readonly madeMs: number;
  readonly usedMs: number;
}

/** Announced when rows were removed from outside of the server. */
export const layersTopic = 'mount_layers';

const toRow = ({ id, status, size_bytes, image, made_ms, used_ms }: Selectable<MountLayersTable>): LayerRow => ({
  id,
  status,
  sizeBytes: size_bytes,
  image,
  madeMs: made_ms,
  usedMs: used_ms,
});

const now = sql<number>`now_ms()`;

/** Rows of `mount_layers`. Times come from the clock of the database. */
export class LayerStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** The id of a layer that is ready and not older; it counts as used now. */
  async use(key: string, maximumAgeMs: number): Promise<string | undefined> {
    const row = await this.#database
      .updateTable('mount_layers')
      .set({ used_ms: now })
      .where('key', '=', key)
      .where('status', '=', 'ready')
      .where(sql<boolean>`made_ms > now_ms() - ${maximumAgeMs}::bigint`)
      .returning('id')
      .executeTakeFirst();
    return row?.id;
  }

  /** Written before the host is asked for it. What stood under this key is nobody's any more: its former id. */
  async begin(id: string, key: string, image: string): Promise<string | undefined> {
    return this.#database.transaction().execute(async (transaction) => {
      const former = await transaction
        .deleteFrom('mount_layers')
        .where('key', '=', key)
        .returning('id')
        .executeTakeFirst();
      await transaction
        .insertInto('mount_layers')
        .values({ id, key, image, status: 'making', made_ms: now, used_ms: now })
        .execute();
      return former?.id;
    });
  }

  async markReady(id: string, sizeBytes: number): Promise<void> {
    await this.#database
      .updateTable('mount_layers')
      .set({ status: 'ready', size_bytes: sizeBytes, made_ms: now, used_ms: now })
      .where('id', '=', id)
      .execute();
  }

  async remove(id: string): Promise<void> {
    await this.#database.deleteFrom('mount_layers').where('id', '=', id).execute();
  }

  /** Those of these that are ready; announces that they are gone. */
  async removeReady(ids: readonly string[]): Promise<LayerRow[]> {
    const removed = await sql<Selectable<MountLayersTable>>`
      with gone as (
        delete from mount_layers where status = 'ready' and id in (select jsonb_array_elements_text(${JSON.stringify(ids)}::jsonb))
        returning *
      )
      select gone.*, pg_notify(${notificationChannel}, ${layersTopic}) from gone order by used_ms
    `.execute(this.#database);
    return removed.rows.map(toRow);
  }

  /** Ids of layers upon images that nobody can start from any more: blueprints that were deleted, and default images other than this one. */
  async unfounded(defaultImage: string): Promise<string[]> {
    const rows = await this.#database
      .selectFrom('mount_layers')
      .select('id')
      .where('status', '=', 'ready')
      .where(
        sql<boolean>`case when starts_with(image, ${idPrefixes.blueprint})
          then not exists (select 1 from blueprints where blueprints.id = image and not blueprints.deleted)
          else image <> ${defaultImage} end`,
      )
      .execute();
    return rows.map(({ id }) => id);
  }

  /** Least recently used first. */
  async all(): Promise<LayerRow[]> {
    const rows = await this.#database.selectFrom('mount_layers').selectAll().orderBy('used_ms').execute();
    return rows.map(toRow);
  }
}
