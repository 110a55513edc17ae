import { newId } from '@berth/contract';
import { sql } from 'kysely';
import type { Database } from '../database/database.ts';
import type { ReadyMadeAgent } from './ready-made.ts';
import { insertAgent } from './store.ts';

/** Any constant; the same in every server so that two never register at once. */
const lockKey = 0x61677473;

const isSame = (
  row: { version: string | null; source: unknown; ready_made: unknown },
  agent: ReadyMadeAgent,
): boolean =>
  row.version === agent.version && sameJson(row.source, agent.source) && sameJson(row.ready_made, agent.readyMade);

/** The database gives members of JSON objects back in an order of its own. */
const sameJson = (one: unknown, other: unknown): boolean =>
  JSON.stringify(sorted(one)) === JSON.stringify(sorted(other));

const sorted = (value: unknown): unknown => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return value;
  }
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, member]) => [name, sorted(member)]),
  );
};

/**
 * Makes the rows of the agents that come with the installation those of the given list. One that has not changed keeps its id; one that has gets
 * a new row, and boxes made with the old one go on. Safe to repeat, and to be killed at any point.
 */
export const registerReadyMade = (database: Database, agents: readonly ReadyMadeAgent[]): Promise<void> =>
  database.transaction().execute(async (transaction) => {
    await sql`select pg_advisory_xact_lock(${lockKey})`.execute(transaction);
    const present = await transaction.selectFrom('agents').selectAll().where('account_id', 'is', null).execute();
    const kept = agents.flatMap((agent) => present.filter((row) => row.name === agent.name && isSame(row, agent)));
    const keptIds = new Set(kept.map((row) => row.id));
    const gone = present.filter((row) => !keptIds.has(row.id)).map((row) => row.id);
    if (gone.length > 0) {
      await transaction.deleteFrom('agents').where('id', 'in', gone).execute();
    }
    for (const agent of agents) {
      if (!kept.some((row) => row.name === agent.name)) {
        await insertAgent(transaction, {
          id: newId('agent'),
          account_id: null,
          name: agent.name,
          version: agent.version,
          is_public: true,
          source: agent.source,
          ready_made: agent.readyMade,
        });
      }
    }
  });
