import { type RawBuilder, sql } from 'kysely';
import type { Database } from '../database/database.ts';
import { type NotificationHub, notificationChannel } from '../database/notifications.ts';
import { apiError } from '../errors/api-error.ts';
import { createOnce } from '../idempotency/create-once.ts';
import type { Sealed } from '../secrets/master-key.ts';
import { type Blueprint, blueprintsUnsettledTopic, blueprintTopic } from './blueprint.ts';
import { type BlueprintReference, lockBlueprint } from './lock.ts';

/** How many blueprints an account has, and how many of them are still to be built. */
export interface BlueprintUsage {
  readonly count: number;
  readonly building: number;
}

/** A blueprint about to be built. */
export interface NewBlueprint {
  readonly id: string;
  readonly accountId: string;
  readonly name: string;
  /** JSON of the request without tokens and passwords. */
  readonly parameters: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly sealed: Sealed | undefined;
  readonly base: BlueprintReference | undefined;
}

const announcements = (id: string): RawBuilder<unknown> =>
  sql`pg_notify(${notificationChannel}, ${blueprintTopic(id)}), pg_notify(${notificationChannel}, ${blueprintsUnsettledTopic})`;

/** Rows of `blueprints` as callers of the API ask for them. Times come from the clock of the database. */
export class BlueprintStore {
  readonly #database: Database;
  readonly #hub: NotificationHub;

  constructor(database: Database, hub: NotificationHub) {
    this.#database = database;
    this.#hub = hub;
  }

  /**
   * Writes the blueprint as `queued`, once per token, and gives the id that the token stands for. `checkQuota` may throw. Throws
   * `unknownSource`, `blueprintNotReady` for the base.
   */
  async insert(
    blueprint: NewBlueprint,
    token: string | undefined,
    checkQuota: (usage: BlueprintUsage) => void,
  ): Promise<string> {
    const made = await createOnce(this.#database, token, blueprint.id, async (transaction) => {
      // One at a time in an account: what another one is about to add counts.
      await sql`select pg_advisory_xact_lock(hashtextextended(${`blueprints:${blueprint.accountId}`}, 0))`.execute(
        transaction,
      );
      checkQuota(await usageOf(transaction, blueprint.accountId));
      const base =
        blueprint.base === undefined
          ? undefined
          : await lockBlueprint(transaction, blueprint.accountId, blueprint.base);
      await sql`
        insert into blueprints (id, account_id, name, status, parameters, metadata, sealed_key_id, sealed_credentials,
          base_blueprint_id, create_ms)
        values (${blueprint.id}, ${blueprint.accountId}, ${blueprint.name}, 'queued', ${blueprint.parameters},
          ${JSON.stringify(blueprint.metadata)}::jsonb, ${blueprint.sealed?.keyId ?? null},
          ${blueprint.sealed?.bytes ?? null}, ${base?.id ?? null}, now_ms())
      `.execute(transaction);
      await sql`select ${announcements(blueprint.id)}`.execute(transaction);
    });
    return made.id;
  }

  /** What the account has that is not deleted. */
  async usage(accountId: string): Promise<BlueprintUsage> {
    return usageOf(this.#database, accountId);
  }

  /** The blueprint if the account has it, deleted or not, or if everybody may see it. */
  async findVisible(accountId: string, id: string): Promise<Blueprint | undefined> {
    return this.#database
      .selectFrom('blueprints')
      .selectAll()
      .where('id', '=', id)
      .where((where) => where.or([where('account_id', '=', accountId), where('is_public', '=', true)]))
      .executeTakeFirst();
  }

  /** The blueprint if the account has it, deleted or not. */
  async findOwned(accountId: string, id: string): Promise<Blueprint | undefined> {
    const blueprint = await this.findVisible(accountId, id);
    return blueprint?.account_id === accountId ? blueprint : undefined;
  }

  /** The newest blueprint of that name that boxes can start from: the account's own, or else one for everybody. */
  async findByName(accountId: string, name: string): Promise<Blueprint | undefined> {
    return this.#database
      .selectFrom('blueprints')
      .selectAll()
      .where('name', '=', name)
      .where('status', '=', 'build_complete')
      .where('deleted', '=', false)
      .where((where) => where.or([where('account_id', '=', accountId), where('is_public', '=', true)]))
      .orderBy(sql`account_id = ${accountId}`, 'desc')
      .orderBy('id', 'desc')
      .limit(1)
      .executeTakeFirst();
  }

  /** A build that has not ended has failed as cancelled. False when it had ended, or there is none. */
  async cancel(accountId: string, id: string): Promise<boolean> {
    const changed = await sql`
      with changed as (
        update blueprints set status = 'failed', failure_reason = 'build_failed', failure_message = 'cancelled',
          sealed_key_id = null, sealed_credentials = null, finish_ms = now_ms()
        where id = ${id} and account_id = ${accountId} and status in ('queued', 'provisioning', 'building')
        returning id
      )
      select ${announcements(id)} from changed
    `.execute(this.#database);
    this.#hub.wake(blueprintTopic(id));
    return changed.rows.length > 0;
  }

  /**
   * Deletes the blueprint of the account; a build that runs is cancelled. False when there is none. Throws `blueprintInUse` when snapshots
   * depend on it.
   */
  async markDeleted(accountId: string, id: string): Promise<boolean> {
    const found = await this.#database.transaction().execute(async (transaction) => {
      const row = await transaction
        .selectFrom('blueprints')
        .select('deleted')
        .where('id', '=', id)
        .where('account_id', '=', accountId)
        .forUpdate()
        .executeTakeFirst();
      if (row === undefined || row.deleted) {
        return row !== undefined;
      }
      await refuseDependants(transaction, id);
      await sql`
        with changed as (
          update blueprints set deleted = true, sealed_key_id = null, sealed_credentials = null,
            finish_ms = coalesce(finish_ms, now_ms()),
            failure_reason = case when status in ('queued', 'provisioning', 'building') then 'build_failed' else failure_reason end,
            failure_message = case when status in ('queued', 'provisioning', 'building') then 'cancelled' else failure_message end,
            status = case when status in ('queued', 'provisioning', 'building') then 'failed' else status end
          where id = ${id}
          returning id
        )
        select ${announcements(id)} from changed
      `.execute(transaction);
      return true;
    });
    this.#hub.wake(blueprintTopic(id));
    return found;
  }
}

/** Most ids that a refusal names. */
const namedDependants = 20;

const refuseDependants = async (transaction: Database, id: string): Promise<void> => {
  const dependants = await transaction
    .selectFrom('snapshots')
    .select('id')
    .where('source_blueprint_id', '=', id)
    .where('internal', '=', false)
    .where('status', 'in', ['in_progress', 'complete'])
    .orderBy('id')
    .limit(namedDependants + 1)
    .execute();
  if (dependants.length > 0) {
    const names = dependants.slice(0, namedDependants).map((snapshot) => snapshot.id);
    const snapshots = names.join(', ') + (dependants.length > namedDependants ? ', …' : '');
    throw apiError('blueprintInUse', { id, snapshots });
  }
};

const usageOf = async (database: Database, accountId: string): Promise<BlueprintUsage> => {
  const found = await sql<BlueprintUsage>`
    select count(*) as count, count(*) filter (where status in ('queued', 'provisioning', 'building')) as building
    from blueprints where account_id = ${accountId} and not deleted
  `.execute(database);
  return found.rows[0] ?? { count: 0, building: 0 };
};
