import { sql } from 'kysely';
import type { Database } from '../database/database.ts';
import type { NotificationHub } from '../database/notifications.ts';
import { type Devbox, devboxColumns, toDevbox } from './devbox.ts';
import { announce, devboxTopic, unsettledTopic } from './store.ts';
import type { StoredStatus } from './table.ts';
import { allowedFrom, storableDetail, type Transition } from './transition.ts';

/** Conditions beside the status, checked in the same statement. */
export interface TransitionGuard {
  /** Only when its lifetime is over by the clock of the database. */
  readonly expired?: boolean;
  /** Only when it has been idle for its idle time by the clock of the database. */
  readonly idle?: boolean;
  /** Only when it belongs to this account. */
  readonly accountId?: string;
}

/** Writes changes of status: compared, set, recorded and announced in one statement. */
export class TransitionStore {
  readonly #database: Database;
  readonly #hub: NotificationHub;

  constructor(database: Database, hub: NotificationHub) {
    this.#database = database;
    this.#hub = hub;
  }

  /** The box after the change, or undefined when it was not in a status (or state of the guard) to make it. */
  async apply(id: string, transition: Transition, guard: TransitionGuard = {}): Promise<Devbox | undefined> {
    const from: readonly StoredStatus[] = allowedFrom[transition.to];
    const conditions = [
      sql`id = ${id}`,
      sql`status = any(${from})`,
      ...(guard.expired === true ? [sql`expires_ms <= now_ms()`] : []),
      ...(guard.idle === true ? [sql`activity_ms + idle_ms <= now_ms()`] : []),
      ...(guard.accountId === undefined ? [] : [sql`account_id = ${guard.accountId}`]),
    ];
    const changed = await sql<Parameters<typeof toDevbox>[0]>`
      with moment as (select now_ms() as ms),
      changed as (
        update devboxes set
          status = ${transition.to},
          transitions = transitions || jsonb_build_array(${record(transition)}::jsonb || jsonb_build_object('at_ms', moment.ms)),
          ${sql.join([...settings(transition)])}
        from moment
        where ${sql.join(conditions, sql` and `)}
        returning ${sql.join(devboxColumns.map((column) => sql.ref(`devboxes.${column}`)))}
      )
      select changed.*, ${announce(devboxTopic(id))}, ${announce(unsettledTopic)} from changed
    `.execute(this.#database);
    const row = changed.rows[0];
    if (row !== undefined) {
      // Waiters and caches of this process see it before the caller does.
      this.#hub.wake(devboxTopic(id));
    }
    return row && toDevbox(row);
  }
}

const record = (transition: Transition): string => {
  const detail =
    'detail' in transition && transition.detail !== undefined ? storableDetail(transition.detail) : undefined;
  return JSON.stringify({
    status: transition.to,
    ...(transition.to === 'failure' ? { failure_reason: transition.reason } : {}),
    ...(detail === undefined ? {} : { detail }),
  });
};

const settings = (transition: Transition) => {
  switch (transition.to) {
    case 'initializing':
      return [sql`host_state = 'present'`, sql`isolation = ${transition.isolation}`];
    case 'running':
      return [sql`activity_ms = moment.ms`, sql`expires_ms = moment.ms + ${transition.lifetimeMs}::bigint`];
    case 'failure':
      return [sql`failure_reason = ${transition.reason}`, sql`end_ms = moment.ms`];
    case 'shutdown':
      return [sql`shutdown_reason = ${transition.reason}`, sql`end_ms = coalesce(end_ms, moment.ms)`];
  }
};
