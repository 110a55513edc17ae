import type { LaunchParameters } from '@berth/contract';
import { sql } from 'kysely';
import type { Database } from '../database/database.ts';
import { apiError } from '../errors/api-error.ts';
import { standsOnItsImage } from '../layers/layered-mounts.ts';
import type { PlannedMount } from '../mounts/mount-kind.ts';
import { announce, unsettledTopic } from './announce.ts';
import { type Devbox, type DevboxWish, devboxColumns, toDevbox } from './devbox.ts';

/** A box about to be made. */
export interface NewDevbox {
  readonly id: string;
  readonly accountId: string;
  readonly name: string | null;
  readonly metadata: Readonly<Record<string, string>>;
  readonly launchParameters: LaunchParameters;
  readonly wish: DevboxWish;
  readonly mounts: readonly PlannedMount[];
  readonly idleMs: number | null;
  /** Bound of the whole life, until the lifetime proper begins with `running`. */
  readonly expiresInMs: number;
  readonly blueprintId: string | null;
  readonly imageBlueprintId: string | null;
  readonly snapshotId: string | null;
  readonly image: Devbox['image'];
  readonly forkedFrom: string | null;
}

/** Whether a box may start now, or what it waits for. */
export interface Place {
  readonly status: 'provisioning' | 'queued';
  readonly detail?: string;
}

/** The token's row, made by the statement around it; nothing when an earlier one was committed with the same token. */
const claim = (token: string, id: string) => sql`
  claimed as (
    insert into idempotent_creations (token, resource_id, created_ms)
    select ${token}, ${id}, moment.ms from moment
    on conflict (token) do nothing
    returning token
  ),`;

/**
 * Writes the row of a new box, with times by the clock of the database, and announces it: in one statement, so that it costs one way to the
 * database. With a token it is written once; undefined when the token was taken. A box that the host may be asked for at once is written as
 * one that it was asked for.
 */
export const insertDevbox = async (
  database: Database,
  box: NewDevbox,
  places: ReadonlyMap<string, Place>,
  token?: string,
): Promise<Devbox | undefined> => {
  const place = places.get(box.id) ?? { status: 'queued' };
  const isBegun = place.status === 'provisioning' && standsOnItsImage(box);
  const hostState = isBegun ? 'requested' : 'absent';
  const inserted = await sql<Parameters<typeof toDevbox>[0]>`
    with moment as (select now_ms() as ms), ${token === undefined ? sql`` : claim(token, box.id)}
    inserted as (
      insert into devboxes (id, account_id, name, metadata, status, host_state, transitions, launch_parameters, wish,
        mounts, mounts_left, create_ms, expires_ms, idle_ms, activity_ms, status_ms, blueprint_id, image_blueprint_id,
        snapshot_id, image_id, image_memory, forked_from)
      select ${box.id}, ${box.accountId}, ${box.name}, ${JSON.stringify(box.metadata)}::jsonb, ${place.status}, ${hostState},
        jsonb_build_array(${JSON.stringify(place)}::jsonb || jsonb_build_object('at_ms', moment.ms)),
        ${JSON.stringify(box.launchParameters)}, ${JSON.stringify(box.wish)},
        ${box.mounts.length === 0 ? null : JSON.stringify(box.mounts)}, ${box.mounts.length}::integer,
        moment.ms, moment.ms + ${box.expiresInMs}, ${box.idleMs}::bigint, moment.ms, moment.ms,
        ${box.blueprintId}, ${box.imageBlueprintId}, ${box.snapshotId}, ${box.image?.id ?? null}, ${box.image?.memory ?? false}::boolean, ${box.forkedFrom}
      from moment ${token === undefined ? sql`` : sql`where exists (select from claimed)`}
      returning ${sql.join(devboxColumns.map((column) => sql.ref(column)))}
    )
    select inserted.*, ${announce(unsettledTopic)} from inserted
  `.execute(database);
  const row = inserted.rows[0];
  return row && toDevbox(row);
};

/**
 * Holds the snapshot that a box is to start from until the transaction ends, so that it is not deleted before the box's row keeps it.
 * Throws `unknownSource` or `snapshotNotReady`.
 */
export const requireImage = async (transaction: Database, accountId: string, id: string): Promise<void> => {
  const snapshot = await transaction
    .selectFrom('snapshots')
    .select('status')
    .where('id', '=', id)
    .where('account_id', '=', accountId)
    .where('internal', '=', false)
    .forShare()
    .executeTakeFirst();
  if (snapshot === undefined || snapshot.status === 'deleted') {
    throw apiError('unknownSource', { resource: 'snapshot', id });
  }
  if (snapshot.status !== 'complete') {
    throw apiError('snapshotNotReady', { id, status: snapshot.status });
  }
};
