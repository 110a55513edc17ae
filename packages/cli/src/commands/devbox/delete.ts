import { Command } from 'commander';
import { findDevboxes } from '../../devboxes/find-devbox.ts';
import { shutDownDevbox } from '../../devboxes/lifecycle.ts';
import { ApiClient } from '../../http/client.ts';
import { findEndpoint } from '../../http/endpoint.ts';
import { print, printJson } from '../../output/style.ts';

export const deleteCommand = (): Command =>
  new Command('delete')
    .alias('rm')
    .description('shut boxes down for good, suspended ones too')
    .argument('<devbox...>', 'their ids or names')
    .option('--json', 'print their views as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  ./berth devbox delete dbx_…\n  ./berth devbox delete $(./berth devbox list --json | jq -r ".[].id")',
    )
    .action(async (words: string[], options: { json?: true }) => {
      const client = new ApiClient(findEndpoint());
      const ids = await findDevboxes(client, words);
      const ended = await Promise.all(ids.map((id) => shutDownDevbox(client, id)));
      if (options.json) {
        printJson(ended);
      } else {
        print(ended.map(({ id, status }) => `${id} ${status}`).join('\n'));
      }
    });
