import { Command } from 'commander';
import { findDevbox } from '../../devboxes/find-devbox.ts';
import { ApiClient } from '../../http/client.ts';
import { findEndpoint } from '../../http/endpoint.ts';
import { CommandFailure } from '../../output/failure.ts';
import { planPrune } from '../../snapshots/prune-plan.ts';
import { deleteSnapshot, listSnapshots } from '../../snapshots/snapshot.ts';
import { snapshotTable, totalBytes } from '../../snapshots/snapshot-table.ts';
import { parseCount } from '../logs.ts';
import { collectPair, durationOption } from '../options.ts';
import { type PruneChoice, prune, sourcesInUse } from '../prune.ts';

interface PruneOptions extends PruneChoice {
  readonly olderThan?: number;
  readonly unused?: true;
  readonly keep?: number;
  readonly devbox?: string;
  readonly name?: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

export const pruneCommand = (): Command =>
  new Command('prune')
    .description('delete snapshots by rule, after showing which')
    .option('--older-than <duration>', 'only those taken before: 12h, 30d, 8w', durationOption)
    .option('--unused', 'only those that no living box (suspended ones included) was started from')
    .option('--keep <count>', 'but never the newest so many', parseKeep)
    .option('--devbox <devbox>', 'look at those of this box alone')
    .option('--name <name>', 'look at those of this name alone')
    .option('--metadata <KEY=VALUE>', 'look at those with this label alone; may be repeated', collectPair)
    .option('-y, --yes', 'delete without asking')
    .option('--dry-run', 'show what would go, and delete nothing')
    .option('--json', 'print what goes as JSON; deletes only with --yes')
    .addHelpText(
      'after',
      `
At least one of --older-than, --unused and --keep says what goes; together, all of them must allow it. Space is free once nothing
stands on a snapshot any more: a box that was started from it, or a snapshot of such a box, holds it back.

Examples:
  ./berth snapshot prune --unused --older-than 30d --dry-run
  ./berth snapshot prune --name nightly --keep 7 --yes`,
    )
    .action(async (options: PruneOptions) => {
      if (options.olderThan === undefined && !options.unused && options.keep === undefined) {
        throw new CommandFailure('nothing says which snapshots may go', {
          hint: 'give --older-than, --unused or --keep; --dry-run shows what they choose',
        });
      }
      const client = new ApiClient(findEndpoint());
      await prune(await plan(client, options), options, {
        noun: 'snapshot',
        table: snapshotTable,
        remove: (id) => deleteSnapshot(client, id),
        bytes: totalBytes,
      });
    });

/** As other counts, and none. */
const parseKeep = (text: string): number => (text === '0' ? 0 : parseCount(text));

const plan = async (client: ApiClient, options: PruneOptions): Promise<ReturnType<typeof planPrune>> => {
  const { name, metadata } = options;
  const devbox_id = options.devbox === undefined ? undefined : await findDevbox(client, options.devbox);
  const [snapshots, used] = await Promise.all([
    listSnapshots(client, { devbox_id, name, metadata }),
    options.unused ? sourcesInUse(client, 'snapshot_id') : undefined,
  ]);
  return planPrune(snapshots, {
    ...(options.olderThan === undefined ? {} : { beforeMs: Date.now() - options.olderThan * 1_000 }),
    ...(options.keep === undefined ? {} : { keep: options.keep }),
    ...(used === undefined ? {} : { used }),
  });
};
