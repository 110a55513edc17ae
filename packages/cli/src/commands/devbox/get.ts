import { Command } from 'commander';
import { devboxText } from '../../devboxes/devbox-text.ts';
import { findDevbox } from '../../devboxes/find-devbox.ts';
import { getDevbox, getUsage } from '../../devboxes/lifecycle.ts';
import { ApiClient } from '../../http/client.ts';
import { findEndpoint } from '../../http/endpoint.ts';
import { print, printJson } from '../../output/style.ts';

export const getCommand = (): Command =>
  new Command('get')
    .description('show one box: status, size, what it uses now, where it came from, and everything that happened to it')
    .argument('<devbox>', 'its id or name')
    .option('--json', 'the whole view as JSON')
    .addHelpText('after', '\nExamples:\n  ./berth devbox get desk\n  ./berth devbox get dbx_… --json')
    .action(async (word: string, options: { json?: true }) => {
      const client = new ApiClient(findEndpoint());
      const devbox = await getDevbox(client, await findDevbox(client, word));
      if (options.json) {
        printJson(devbox);
      } else {
        print(devboxText(devbox, (await getUsage(client, devbox.id)).now));
      }
    });
