import { Command } from 'commander';
import { findDevbox } from '../../devboxes/find-devbox.ts';
import { ApiClient } from '../../http/client.ts';
import { findEndpoint } from '../../http/endpoint.ts';
import { formatBytes } from '../../output/quantities.ts';
import { dim, print, printJson, remark } from '../../output/style.ts';
import { listSnapshots } from '../../snapshots/snapshot.ts';
import { snapshotTable, totalBytes } from '../../snapshots/snapshot-table.ts';
import { parseCount } from '../logs.ts';
import { collectPair } from '../options.ts';

interface ListOptions {
  readonly devbox?: string;
  readonly name?: string;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly limit: number;
  readonly json?: true;
}

export const listSnapshotsCommand = (): Command =>
  new Command('list')
    .alias('ls')
    .description('show snapshots, newest first')
    .option('--devbox <devbox>', 'only those taken of this box, by id or name')
    .option('--name <name>', 'only those of this name')
    .option('--metadata <KEY=VALUE>', 'only those with this label; may be repeated', collectPair)
    .option('-n, --limit <count>', 'at most so many', parseCount, 100)
    .option('--json', 'as JSON')
    .addHelpText('after', '\nExamples:\n  ./berth snapshot list\n  ./berth snapshot list --devbox desk --json')
    .action(async (options: ListOptions) => {
      const client = new ApiClient(findEndpoint());
      const { name, metadata } = options;
      const devbox_id = options.devbox === undefined ? undefined : await findDevbox(client, options.devbox);
      const all = await listSnapshots(client, { devbox_id, name, metadata });
      const shown = all.slice(0, options.limit);
      if (options.json) {
        printJson(shown);
      } else if (all.length === 0) {
        remark(dim('no snapshots'));
      } else {
        print(snapshotTable(shown));
        remark(
          dim(
            `${formatBytes(totalBytes(all))} in ${all.length}${all.length > shown.length ? '; --limit shows more' : ''}`,
          ),
        );
      }
    });
