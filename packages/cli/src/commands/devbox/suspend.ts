import { Command, Option } from 'commander';
import { findDevboxes } from '../../devboxes/find-devbox.ts';
import { beginSuspend, untilSuspended } from '../../devboxes/suspension.ts';
import { ApiClient } from '../../http/client.ts';
import { findEndpoint } from '../../http/endpoint.ts';
import { formatDuration } from '../../output/quantities.ts';
import { dim, print, printJson, remark } from '../../output/style.ts';
import { whileWaiting } from '../../output/waiting.ts';

interface SuspendOptions {
  readonly memory?: boolean;
  readonly wait: boolean;
  readonly json?: true;
}

export const suspendCommand = (): Command =>
  new Command('suspend')
    .description('park boxes: they cost nothing but their disk until they are resumed')
    .argument('<devbox...>', 'ids or names of running boxes')
    .option('--memory', 'keep processes, open files, shells and running commands too (gvisor)')
    .addOption(new Option('--no-memory', 'keep the disk alone; running commands end as lost').default(undefined))
    .option('--no-wait', 'do not wait until they are suspended')
    .option('--json', 'print their views as JSON')
    .addHelpText(
      'after',
      `
Without --memory or --no-memory the box's own default decides (./berth devbox create --suspend-memory), then the account's.

Examples:
  ./berth devbox suspend dbx_…
  ./berth devbox suspend --memory desk && ./berth devbox resume desk`,
    )
    .action(async (words: string[], options: SuspendOptions) => {
      const client = new ApiClient(findEndpoint());
      const ids = await findDevboxes(client, words);
      const begin = performance.now();
      const suspended = await whileWaiting(
        'suspending',
        (signal) =>
          Promise.all(
            ids.map(async (id) => {
              const begun = await beginSuspend(client, id, options.memory);
              return options.wait ? untilSuspended(client, id, signal) : begun;
            }),
          ),
        'it goes on without you; ./berth devbox list shows how far it is',
      );
      if (options.json) {
        printJson(suspended);
        return;
      }
      print(suspended.map(({ id, status }) => `${id} ${status}`).join('\n'));
      if (options.wait) {
        remark(dim(`after ${formatDuration(performance.now() - begin)}`));
      }
    });
