import { sql } from 'kysely';
import type { Database } from '../database/database.ts';
import { announce } from '../devboxes/announce.ts';
import { type Devbox, devboxColumns, toDevbox } from '../devboxes/devbox.ts';
import { insertDevbox, type NewDevbox, type Place } from '../devboxes/insert.ts';
import type { StoredStatus } from '../devboxes/table.ts';
import { createOnce } from '../idempotency/create-once.ts';
import { snapshotsUnsettledTopic } from '../snapshots/snapshot.ts';
import { sourceBlueprint } from '../snapshots/source-blueprint.ts';

/** The snapshot that all forks of one call start from. Nobody sees it, and it goes once they are up or ended. */
export interface ForkSnapshot {
  readonly id: string;
  readonly accountId: string;
  readonly sourceId: string;
  readonly memory: boolean;
  /** Statuses in which the source can be forked so. */
  readonly from: readonly StoredStatus[];
}

/** Writes forks: the internal snapshot and the rows of all new boxes in one transaction. */
export class ForkStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /**
   * Writes them once per token, and gives the boxes that the token stands for. `refuse` is called, and has to throw, when the source is not
   * (or no longer) one that can be forked.
   */
  async insert(
    snapshot: ForkSnapshot,
    boxes: readonly NewDevbox[],
    places: ReadonlyMap<string, Place>,
    token: string | undefined,
    refuse: () => Promise<never>,
  ): Promise<{ readonly snapshotId: string; readonly boxes: readonly Devbox[] }> {
    const written: Devbox[] = [];
    const made = await createOnce(this.#database, token, snapshot.id, async (transaction) => {
      const inserted = await sql`
        insert into snapshots (id, account_id, devbox_id, source_blueprint_id, status, internal, with_memory, create_ms)
        select ${snapshot.id}, account_id, id, ${sourceBlueprint}, 'in_progress', true, ${snapshot.memory}, now_ms()
        from devboxes
        where id = ${snapshot.sourceId} and account_id = ${snapshot.accountId} and status = any(${[...snapshot.from]})
        for share
        returning id
      `.execute(transaction);
      if (inserted.rows.length === 0) {
        await refuse();
      }
      for (const box of boxes) {
        const fork = await insertDevbox(transaction, box, places);
        written.push(...(fork === undefined ? [] : [fork]));
      }
      await sql`select ${announce(snapshotsUnsettledTopic)}`.execute(transaction);
    });
    return { snapshotId: made.id, boxes: made.created ? written : await this.boxesOf(made.id) };
  }

  /** The boxes that start from this snapshot, oldest first. */
  async boxesOf(snapshotId: string): Promise<Devbox[]> {
    const rows = await this.#database
      .selectFrom('devboxes')
      .select(devboxColumns)
      .where('image_id', '=', snapshotId)
      .orderBy('id')
      .execute();
    return rows.map(toDevbox);
  }
}
