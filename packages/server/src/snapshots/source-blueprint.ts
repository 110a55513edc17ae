import { type RawBuilder, sql } from 'kysely';

/**
 * The blueprint that the disk of a row of `devboxes` stands on: its own, or that of the snapshot it was started from. The image of one that snapshots
 * stand on is not deleted.
 */
export const sourceBlueprint: RawBuilder<string | null> = sql`coalesce(devboxes.blueprint_id,
  (select source.source_blueprint_id from snapshots as source where source.id = devboxes.image_id))`;
