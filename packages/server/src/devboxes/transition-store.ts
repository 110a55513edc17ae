import { sql } from 'kysely';
import type { Database } from '../database/database.ts';
import { createOnce } from '../idempotency/create-once.ts';
import { announce, devboxTopic, unsettledTopic } from './announce.ts';
import { type Devbox, devboxColumns, toDevbox } from './devbox.ts';
import type { KnownDevboxes } from './known-devboxes.ts';
import type { StoredStatus } from './table.ts';
import { allowedFrom, type Transition } from './transition.ts';
import { assignments } from './transition-sql.ts';

/** Conditions beside those of the transition, checked in the same statement. */
export interface TransitionGuard {
  /** Only from these statuses. */
  readonly from?: readonly StoredStatus[];
  /** Only when its lifetime is over by the clock of the database. */
  readonly expired?: boolean;
  /** Only when it has been idle for its idle time by the clock of the database. */
  readonly idle?: boolean;
  /** Only when its eviction is due by the clock of the database. */
  readonly evicted?: boolean;
  /** Only when its disk is not being kept by a snapshot at the moment. */
  readonly untaken?: boolean;
  /** Only when it belongs to this account. */
  readonly accountId?: string;
}

/** Writes changes of status: compared, set, recorded and announced in one statement. */
export class TransitionStore {
  readonly #database: Database;
  readonly #known: KnownDevboxes;
  readonly #onChanged: (box: Devbox) => void;

  /** `onChanged` hears of every change once it is committed. */
  constructor(database: Database, known: KnownDevboxes, onChanged: (box: Devbox) => void) {
    this.#database = database;
    this.#known = known;
    this.#onChanged = onChanged;
  }

  /** The box after the change, or undefined when it was not in a status (or state of the guard) to make it. */
  async apply(id: string, transition: Transition, guard: TransitionGuard = {}): Promise<Devbox | undefined> {
    let box: Devbox | undefined;
    try {
      box = await write(this.#database, id, transition, guard);
    } catch (error) {
      this.#known.unsure(id);
      throw error;
    }
    this.#tell(box);
    return box;
  }

  /**
   * The same, at most once per idempotency token: a repetition of a call that has made its change answers `repeated` and changes nothing.
   */
  async applyOnce(
    token: string | undefined,
    id: string,
    transition: Transition,
    guard: TransitionGuard,
  ): Promise<Devbox | 'repeated' | undefined> {
    const refused = new Error('not in a status to change');
    let box: Devbox | undefined;
    try {
      const { created } = await createOnce(this.#database, token, id, async (transaction) => {
        box = await write(transaction, id, transition, guard);
        if (box === undefined) {
          throw refused;
        }
      });
      if (!created) {
        return 'repeated';
      }
    } catch (error) {
      if (error !== refused) {
        this.#known.unsure(id);
        throw error;
      }
    }
    this.#tell(box);
    return box;
  }

  #tell(box: Devbox | undefined): void {
    if (box !== undefined) {
      this.#onChanged(box);
      // Waiters and caches of this process see it before the caller does.
      this.#known.changed(box);
    }
  }
}

/** A box that runs needs nobody; those who wait for their image to be free of it do. */
const needsLook = (transition: Transition) =>
  transition.to === 'running'
    ? sql`case when image_id is not null or image_blueprint_id is not null then ${announce(unsettledTopic)} end`
    : announce(unsettledTopic);

const write = async (
  database: Database,
  id: string,
  transition: Transition,
  guard: TransitionGuard,
): Promise<Devbox | undefined> => {
  const allowed: readonly StoredStatus[] = allowedFrom[transition.to];
  const from = allowed.filter((status) => guard.from?.includes(status) ?? true);
  const conditions = [
    sql`id = ${id}`,
    sql`devboxes.status = any(${from})`,
    ...(guard.expired === true ? [sql`expires_ms <= now_ms()`] : []),
    ...(guard.idle === true ? [sql`activity_ms + idle_ms <= now_ms()`] : []),
    ...(guard.evicted === true ? [sql`evict_ms <= now_ms()`] : []),
    ...(guard.untaken === true
      ? [sql`not exists (select from snapshots where devbox_id = devboxes.id and snapshots.status = 'in_progress')`]
      : []),
    ...(guard.accountId === undefined ? [] : [sql`account_id = ${guard.accountId}`]),
  ];
  const changed = await sql<Parameters<typeof toDevbox>[0]>`
    with moment as (select now_ms() as ms),
    changed as (
      update devboxes set ${sql.join(assignments(transition))}
      from moment
      where ${sql.join(conditions, sql` and `)}
      returning ${sql.join(devboxColumns.map((column) => sql.ref(`devboxes.${column}`)))}
    )
    select changed.*, ${announce(devboxTopic(id))}, ${needsLook(transition)} from changed
  `.execute(database);
  const row = changed.rows[0];
  return row && toDevbox(row);
};
