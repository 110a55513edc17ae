import type { BlueprintView, DevboxView } from '@berth/contract';
import { Command } from 'commander';
import { deleteBlueprint, listBlueprints } from '../../blueprints/blueprint.ts';
import { blueprintTable } from '../../blueprints/blueprint-text.ts';
import { planPrune } from '../../blueprints/prune-plan.ts';
import { hasEnded } from '../../devboxes/view.ts';
import { ApiClient, ApiFailure } from '../../http/client.ts';
import { findEndpoint } from '../../http/endpoint.ts';
import { everyItem } from '../../http/pages.ts';
import { agrees } from '../../output/agreement.ts';
import { CommandFailure } from '../../output/failure.ts';
import { dim, print, printJson, remark } from '../../output/style.ts';
import { parseCount } from '../logs.ts';
import { durationOption } from '../options.ts';

interface PruneOptions {
  readonly olderThan?: number;
  readonly keep?: number;
  readonly failed?: true;
  readonly unused?: true;
  readonly name?: string;
  readonly yes?: true;
  readonly dryRun?: true;
  readonly json?: true;
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
      const { goes, stays } = await plan(client, options);
      if (!options.json) {
        tell(goes, stays);
      }
      const agreed =
        goes.length > 0 &&
        !options.dryRun &&
        (options.yes || (!options.json && (await agrees(`Delete ${countOf(goes)}?`))));
      const deleted = agreed ? await deleteAll(client, goes) : [];
      if (options.json) {
        printJson({ goes, stays: stays.length, deleted: deleted.map(({ id }) => id) });
      } else if (agreed) {
        print(`${countOf(deleted)} deleted`);
      } else if (goes.length > 0 && !options.dryRun) {
        throw new CommandFailure('nothing was deleted', { hint: '--yes deletes without asking' });
      }
      if (deleted.length < goes.length && agreed) {
        throw new CommandFailure(`${goes.length - deleted.length} could not be deleted`);
      }
    });

const plan = async (client: ApiClient, options: PruneOptions): Promise<ReturnType<typeof planPrune>> => {
  const [blueprints, used] = await Promise.all([
    listBlueprints(client, { name: options.name }),
    options.unused ? blueprintsInUse(client) : undefined,
  ]);
  return planPrune(blueprints, {
    ...(options.olderThan === undefined ? {} : { beforeMs: Date.now() - options.olderThan * 1_000 }),
    ...(options.keep === undefined ? {} : { keep: options.keep }),
    ...(options.failed ? { failed: true } : {}),
    ...(used === undefined ? {} : { used }),
  });
};

/** Ids of the blueprints that living boxes were started from. */
const blueprintsInUse = async (client: ApiClient): Promise<ReadonlySet<string>> => {
  const used = new Set<string>();
  for await (const devbox of everyItem<DevboxView>(client, '/v1/devboxes', 'devboxes')) {
    if (devbox.blueprint_id !== null && !hasEnded(devbox)) {
      used.add(devbox.blueprint_id);
    }
  }
  return used;
};

const countOf = ({ length }: readonly unknown[]): string => (length === 1 ? '1 blueprint' : `${length} blueprints`);

const tell = (goes: readonly BlueprintView[], stays: readonly BlueprintView[]): void => {
  if (goes.length === 0) {
    remark(dim(`nothing to delete; ${countOf(stays)} ${stays.length === 1 ? 'stays' : 'stay'}`));
    return;
  }
  print(blueprintTable(goes));
  print(
    `${countOf(goes)} ${goes.length === 1 ? 'goes' : 'go'}, ${stays.length} ${stays.length === 1 ? 'stays' : 'stay'}`,
  );
};

/** Deletes one after another; one that cannot go does not keep the others. */
const deleteAll = async (client: ApiClient, goes: readonly BlueprintView[]): Promise<BlueprintView[]> => {
  const deleted: BlueprintView[] = [];
  for (const blueprint of goes) {
    try {
      await deleteBlueprint(client, blueprint.id);
      deleted.push(blueprint);
    } catch (error) {
      if (!(error instanceof ApiFailure)) {
        throw error;
      }
      remark(`${blueprint.id} stays: ${error.message}`);
    }
  }
  return deleted;
};
