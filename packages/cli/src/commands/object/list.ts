import { type ObjectContentType, type ObjectState, objectStates } from '@berth/contract';
import { Command, Option } from 'commander';
import { ApiClient } from '../../http/client.ts';
import { findEndpoint } from '../../http/endpoint.ts';
import { listObjects } from '../../objects/object.ts';
import { objectTable } from '../../objects/object-text.ts';
import { formatBytes } from '../../output/quantities.ts';
import { dim, print, printJson, remark } from '../../output/style.ts';
import { parseCount } from '../logs.ts';
import { typeOption } from './options.ts';

interface ListOptions {
  readonly name?: string;
  readonly type?: ObjectContentType;
  readonly state?: ObjectState;
  readonly search?: string;
  readonly public?: true;
  readonly limit: number;
  readonly json?: true;
}

export const listObjectsCommand = (): Command =>
  new Command('list')
    .alias('ls')
    .description('show objects, newest first')
    .option('--name <text>', 'only those with this in their name')
    .addOption(typeOption('only those of this type'))
    .addOption(new Option('--state <state>', 'only those in this state').choices(objectStates))
    .option('--search <text>', 'only those with this in id or name')
    .option('--public', 'the public ones of all accounts')
    .option('-n, --limit <count>', 'at most so many', parseCount, 100)
    .option('--json', 'as JSON')
    .addHelpText('after', '\nExamples:\n  ./berth object list\n  ./berth object list --type tgz --json')
    .action(async (options: ListOptions) => {
      const client = new ApiClient(findEndpoint());
      const { name, state, search } = options;
      const all = await listObjects(client, { name, state, search, content_type: options.type }, options.public);
      const shown = all.slice(0, options.limit);
      if (options.json) {
        printJson(shown);
      } else if (all.length === 0) {
        remark(dim('no objects'));
      } else {
        print(objectTable(shown));
        const bytes = all.reduce((total, { size_bytes }) => total + (size_bytes ?? 0), 0);
        remark(dim(`${formatBytes(bytes)} in ${all.length}${all.length > shown.length ? '; --limit shows more' : ''}`));
      }
    });
