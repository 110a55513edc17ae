import { type DevboxStatus, type DevboxView, devboxStatuses } from '@berth/contract';
import { Command, Option } from 'commander';
import { listDevboxes } from '../../devboxes/list-devboxes.ts';
import { devboxTable, livingStatuses } from '../../devboxes/view.ts';
import { ApiClient } from '../../http/client.ts';
import { findEndpoint } from '../../http/endpoint.ts';
import { dim, print, printJson, remark } from '../../output/style.ts';
import { parseCount } from '../logs.ts';

interface ListOptions {
  readonly status?: readonly DevboxStatus[];
  readonly all?: true;
  readonly limit: number;
  readonly json?: true;
}

const statusOption = new Option('--status <status...>', 'only those in these statuses').choices(devboxStatuses);

export const listCommand = (): Command =>
  new Command('list')
    .alias('ls')
    .description('show the boxes that live (suspended and queued ones too), newest first')
    .addOption(statusOption)
    .option('-a, --all', 'also those that have ended')
    .option('-n, --limit <count>', 'at most so many', parseCount, 100)
    .option('--json', 'as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  ./berth devbox list\n  ./berth devbox list --status suspended\n  ./berth devbox list --all --json',
    )
    .action(async (options: ListOptions) => {
      const client = new ApiClient(findEndpoint());
      const statuses = options.status ?? (options.all ? undefined : livingStatuses);
      const found = await listDevboxes(client, statuses, options.limit + 1);
      const shown = found.slice(0, options.limit);
      if (options.json) {
        printJson(shown);
        return;
      }
      if (shown.length === 0) {
        remark(dim(options.status === undefined ? 'no boxes' : `no boxes are ${options.status.join(' or ')}`));
        return;
      }
      print(devboxTable(shown));
      remark(dim(`${summary(shown)}${found.length > shown.length ? '; --limit shows more' : ''}`));
    });

/** `3 running, 2 suspended` */
const summary = (devboxes: readonly DevboxView[]): string =>
  devboxStatuses
    .map((status) => [devboxes.filter((devbox) => devbox.status === status).length, status] as const)
    .flatMap(([count, status]) => (count === 0 ? [] : [`${count} ${status}`]))
    .join(', ');
