import { sql } from 'kysely';
import type { Database } from '../database/database.ts';
import { apiError } from '../errors/api-error.ts';
import type { Blueprint } from './blueprint.ts';

/** How a caller names a blueprint. */
export type BlueprintReference = { readonly id: string } | { readonly name: string };

const refuse = (reference: BlueprintReference): never => {
  const id = 'id' in reference ? reference.id : reference.name;
  throw apiError('unknownSource', { resource: 'blueprint', id: id.slice(0, 200) });
};

/**
 * Holds the blueprint that a box or a build is to start from until the transaction ends, so that it is not deleted before the row of the
 * newcomer keeps its image: one of the account, or else one for everybody; of a name, the newest that is built. Throws `unknownSource` or
 * `blueprintNotReady`.
 */
export const lockBlueprint = async (
  transaction: Database,
  accountId: string,
  reference: BlueprintReference,
): Promise<Blueprint> => {
  const visible = transaction
    .selectFrom('blueprints')
    .selectAll()
    .where('deleted', '=', false)
    .where((where) => where.or([where('account_id', '=', accountId), where('is_public', '=', true)]));
  const found =
    'id' in reference
      ? await visible.where('id', '=', reference.id).forShare().executeTakeFirst()
      : await visible
          .where('name', '=', reference.name)
          .where('status', '=', 'build_complete')
          .orderBy(sql`account_id = ${accountId}`, 'desc')
          .orderBy('id', 'desc')
          .limit(1)
          .forShare()
          .executeTakeFirst();
  const blueprint = found ?? refuse(reference);
  if (blueprint.status !== 'build_complete') {
    throw apiError('blueprintNotReady', { id: blueprint.id, status: blueprint.status });
  }
  return blueprint;
};
