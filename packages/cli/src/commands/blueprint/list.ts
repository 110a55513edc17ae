import { blueprintStatuses } from '@berth/contract';
import { Command, Option } from 'commander';
import { listBlueprints } from '../../blueprints/blueprint.ts';
import { blueprintTable } from '../../blueprints/blueprint-text.ts';
import { ApiClient } from '../../http/client.ts';
import { findEndpoint } from '../../http/endpoint.ts';
import { dim, print, printJson, remark } from '../../output/style.ts';
import { parseCount } from '../logs.ts';
import { collectPair } from '../options.ts';

interface ListOptions {
  readonly name?: string;
  readonly status?: string;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly limit: number;
  readonly json?: true;
}

export const listBlueprintsCommand = (): Command =>
  new Command('list')
    .alias('ls')
    .description('show blueprints, newest first')
    .option('--name <name>', 'only those of this name')
    .addOption(new Option('--status <status>', 'only those in this status').choices(blueprintStatuses))
    .option('--metadata <KEY=VALUE>', 'only those with this label; may be repeated', collectPair)
    .option('-n, --limit <count>', 'at most so many', parseCount, 100)
    .option('--json', 'as JSON')
    .addHelpText('after', '\nExamples:\n  ./berth blueprint list\n  ./berth blueprint list --status failed --json')
    .action(async (options: ListOptions) => {
      const client = new ApiClient(findEndpoint());
      const { name, status, metadata } = options;
      const all = await listBlueprints(client, { name, status, metadata });
      const shown = all.slice(0, options.limit);
      if (options.json) {
        printJson(shown);
      } else if (all.length === 0) {
        remark(dim('no blueprints'));
      } else {
        print(blueprintTable(shown));
        if (all.length > shown.length) {
          remark(dim(`${all.length - shown.length} more; --limit shows them`));
        }
      }
    });
