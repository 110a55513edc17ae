import type { Database } from '../database/database.ts';

/** The id of the resource, and whether this call made it. */
export interface Creation {
  readonly id: string;
  readonly created: boolean;
}

/**
 * Makes a resource at most once per idempotency token: the token is recorded in the transaction that inserts the resource, so that a create
 * whose answer was lost, even by a killed server, is found again. Without a token it just creates. A concurrent call with the same token
 * waits for the first to commit.
 */
export const createOnce = (
  database: Database,
  token: string | undefined,
  id: string,
  insert: (transaction: Database) => Promise<void>,
): Promise<Creation> =>
  database.transaction().execute(async (transaction) => {
    if (token !== undefined) {
      const claimed = await transaction
        .insertInto('idempotent_creations')
        .values({ token, resource_id: id, created_ms: Date.now() })
        .onConflict((conflict) => conflict.column('token').doNothing())
        .returning('token')
        .executeTakeFirst();
      if (claimed === undefined) {
        const earlier = await transaction
          .selectFrom('idempotent_creations')
          .select('resource_id')
          .where('token', '=', token)
          .executeTakeFirstOrThrow();
        return { id: earlier.resource_id, created: false };
      }
    }
    await insert(transaction);
    return { id, created: true };
  });
