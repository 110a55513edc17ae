import { Command } from 'commander';
import { shutDownDevbox } from '../../devboxes/lifecycle.ts';
import { ApiClient } from '../../http/client.ts';
import { findEndpoint } from '../../http/endpoint.ts';
import { print, printJson } from '../../output/style.ts';

export const deleteCommand = (): Command =>
  new Command('delete')
    .alias('rm')
    .description('shut boxes down for good')
    .argument('<devbox...>', 'their ids')
    .option('--json', 'print their views as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  ./berth devbox delete dbx_…\n  ./berth devbox delete $(./berth devbox list --json | jq -r ".[].id")',
    )
    .action(async (ids: string[], options: { json?: true }) => {
      const client = new ApiClient(findEndpoint());
      const ended = await Promise.all(ids.map((id) => shutDownDevbox(client, id)));
      if (options.json) {
        printJson(ended);
      } else {
        print(ended.map(({ id, status }) => `${id} ${status}`).join('\n'));
      }
    });
