import type { DevboxListView } from '@berth/contract';
import { Command } from 'commander';
import { devboxTable } from '../../devboxes/view.ts';
import { ApiClient } from '../../http/client.ts';
import { findEndpoint } from '../../http/endpoint.ts';
import { dim, print, printJson, remark } from '../../output/style.ts';
import { parseCount } from '../logs.ts';

interface ListOptions {
  readonly status?: string;
  readonly all?: true;
  readonly limit: number;
  readonly json?: true;
}

export const listCommand = (): Command =>
  new Command('list')
    .alias('ls')
    .description('show boxes, newest first')
    .option('--status <status>', 'only those in this status (running)')
    .option('-a, --all', 'also those that have ended')
    .option('-n, --limit <count>', 'at most so many', parseCount, 100)
    .option('--json', 'as JSON')
    .addHelpText('after', '\nExamples:\n  ./berth devbox list\n  ./berth devbox list --all --json')
    .action(async (options: ListOptions) => {
      const client = new ApiClient(findEndpoint());
      const status = options.status ?? (options.all ? undefined : 'running');
      const page = await client.json<DevboxListView>('GET', '/v1/devboxes', {
        query: { limit: options.limit, status },
      });
      if (options.json) {
        printJson(page.devboxes);
      } else if (page.devboxes.length === 0) {
        remark(dim(status === undefined ? 'no boxes' : `no boxes are ${status}`));
      } else {
        print(devboxTable(page.devboxes));
        if (page.has_more) {
          remark(dim(`${page.total_count} in all; --limit shows more`));
        }
      }
    });
