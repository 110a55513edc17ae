import type { DevboxView, SnapshotView } from '@berth/contract';
import { Command } from 'commander';
import { findDevbox } from '../../devboxes/find-devbox.ts';
import { hasEnded } from '../../devboxes/view.ts';
import { ApiClient, ApiFailure } from '../../http/client.ts';
import { findEndpoint } from '../../http/endpoint.ts';
import { everyItem } from '../../http/pages.ts';
import { agrees } from '../../output/agreement.ts';
import { CommandFailure } from '../../output/failure.ts';
import { formatBytes } from '../../output/quantities.ts';
import { dim, print, printJson, remark } from '../../output/style.ts';
import { planPrune } from '../../snapshots/prune-plan.ts';
import { deleteSnapshot, listSnapshots } from '../../snapshots/snapshot.ts';
import { snapshotTable, totalBytes } from '../../snapshots/snapshot-table.ts';
import { parseCount } from '../logs.ts';
import { collectPair, durationOption } from '../options.ts';

interface PruneOptions {
  readonly olderThan?: number;
  readonly unused?: true;
  readonly keep?: number;
  readonly devbox?: string;
  readonly name?: string;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly yes?: true;
  readonly dryRun?: true;
  readonly json?: true;
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
        printJson({ goes, stays: stays.length, freedBytes: totalBytes(deleted), deleted: deleted.map(({ id }) => id) });
      } else if (agreed) {
        print(`${countOf(deleted)} deleted, ${formatBytes(totalBytes(deleted))}`);
      } else if (goes.length > 0 && !options.dryRun) {
        throw new CommandFailure('nothing was deleted', { hint: '--yes deletes without asking' });
      }
      if (deleted.length < goes.length && agreed) {
        throw new CommandFailure(`${goes.length - deleted.length} could not be deleted`);
      }
    });

/** As other counts, and none. */
const parseKeep = (text: string): number => (text === '0' ? 0 : parseCount(text));

const plan = async (client: ApiClient, options: PruneOptions): Promise<ReturnType<typeof planPrune>> => {
  const { name, metadata } = options;
  const devbox_id = options.devbox === undefined ? undefined : await findDevbox(client, options.devbox);
  const [snapshots, used] = await Promise.all([
    listSnapshots(client, { devbox_id, name, metadata }),
    options.unused ? snapshotsInUse(client) : undefined,
  ]);
  return planPrune(snapshots, {
    ...(options.olderThan === undefined ? {} : { beforeMs: Date.now() - options.olderThan * 1_000 }),
    ...(options.keep === undefined ? {} : { keep: options.keep }),
    ...(used === undefined ? {} : { used }),
  });
};

/** Ids of the snapshots that living boxes were started from. */
const snapshotsInUse = async (client: ApiClient): Promise<ReadonlySet<string>> => {
  const used = new Set<string>();
  for await (const devbox of everyItem<DevboxView>(client, '/v1/devboxes', 'devboxes')) {
    if (devbox.snapshot_id !== null && !hasEnded(devbox)) {
      used.add(devbox.snapshot_id);
    }
  }
  return used;
};

const countOf = ({ length }: readonly unknown[]): string => (length === 1 ? '1 snapshot' : `${length} snapshots`);

const tell = (goes: readonly SnapshotView[], stays: readonly SnapshotView[]): void => {
  if (goes.length === 0) {
    remark(dim(`nothing to delete; ${countOf(stays)} ${stays.length === 1 ? 'stays' : 'stay'}`));
    return;
  }
  print(snapshotTable(goes));
  print(
    `${countOf(goes)} with ${formatBytes(totalBytes(goes))} ${goes.length === 1 ? 'goes' : 'go'}, ${stays.length} with ${formatBytes(totalBytes(stays))} ${stays.length === 1 ? 'stays' : 'stay'}`,
  );
};

/** Deletes one after another; one that cannot go, or is gone already, does not keep the others. */
const deleteAll = async (client: ApiClient, goes: readonly SnapshotView[]): Promise<SnapshotView[]> => {
  const deleted: SnapshotView[] = [];
  for (const snapshot of goes) {
    try {
      await deleteSnapshot(client, snapshot.id);
      deleted.push(snapshot);
    } catch (error) {
      if (!(error instanceof ApiFailure)) {
        throw error;
      }
      remark(`${snapshot.id} stays: ${error.message}`);
    }
  }
  return deleted;
};
