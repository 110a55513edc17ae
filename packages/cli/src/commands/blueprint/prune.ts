import { Command } from 'commander';
import { deleteBlueprint, listBlueprints } from '../../blueprints/blueprint.ts';
import { blueprintTable } from '../../blueprints/blueprint-text.ts';
import { planPrune } from '../../blueprints/prune-plan.ts';
import { ApiClient } from '../../http/client.ts';
import { findEndpoint } from '../../http/endpoint.ts';
import { CommandFailure } from '../../output/failure.ts';
import { parseCount } from '../logs.ts';
import { durationOption } from '../options.ts';
import { type PruneChoice, prune, sourcesInUse } from '../prune.ts';

interface PruneOptions extends PruneChoice {
  readonly olderThan?: number;
  readonly keep?: number;
  readonly failed?: true;
  readonly unused?: true;
  readonly name?: string;
}

export const pruneBlueprintsCommand = (): Command =>
  new Command('prune')
    .description('delete blueprints by rule, after showing which')
    .option('--older-than <duration>', 'only those made before: 12h, 30d, 8w', durationOption)
    .option('--keep <count>', 'but never the newest so many of each name that are built', parseCount)
    .option('--failed', 'only those whose build failed')
    .option('--unused', 'only those that no living box (suspended ones included) was started from')
    .option('--name <name>', 'look at those of this name alone')
    .option('-y, --yes', 'delete without asking')
    .option('--dry-run', 'show what would go, and delete nothing')
    .option('--json', 'print what goes as JSON; deletes only with --yes')
    .addHelpText(
      'after',
      `
At least one of --older-than, --keep, --failed and --unused says what goes; together, all of them must allow it. A blueprint that
snapshots depend on stays.

Examples:
  ./berth blueprint prune --failed --yes
  ./berth blueprint prune --keep 2 --unused --dry-run`,
    )
    .action(async (options: PruneOptions) => {
      if (options.olderThan === undefined && options.keep === undefined && !options.failed && !options.unused) {
        throw new CommandFailure('nothing says which blueprints may go', {
          hint: 'give --older-than, --keep, --failed or --unused; --dry-run shows what they choose',
        });
      }
      const client = new ApiClient(findEndpoint());
      await prune(await plan(client, options), options, {
        noun: 'blueprint',
        table: blueprintTable,
        remove: (id) => deleteBlueprint(client, id),
      });
    });

const plan = async (client: ApiClient, options: PruneOptions): Promise<ReturnType<typeof planPrune>> => {
  const [blueprints, used] = await Promise.all([
    listBlueprints(client, { name: options.name }),
    options.unused ? sourcesInUse(client, 'blueprint_id') : undefined,
  ]);
  return planPrune(blueprints, {
    ...(options.olderThan === undefined ? {} : { beforeMs: Date.now() - options.olderThan * 1_000 }),
    ...(options.keep === undefined ? {} : { keep: options.keep }),
    ...(options.failed ? { failed: true } : {}),
    ...(used === undefined ? {} : { used }),
  });
};
