import { Command } from 'commander';
import { findDevboxes } from '../../devboxes/find-devbox.ts';
import { beginResume, untilResumed } from '../../devboxes/suspension.ts';
import { ApiClient } from '../../http/client.ts';
import { findEndpoint } from '../../http/endpoint.ts';
import { formatDuration } from '../../output/quantities.ts';
import { dim, print, printJson, remark } from '../../output/style.ts';
import { whileWaiting } from '../../output/waiting.ts';

interface ResumeOptions {
  readonly memory: boolean;
  readonly wait: boolean;
  readonly json?: true;
}

export const resumeCommand = (): Command =>
  new Command('resume')
    .description(
      'let suspended boxes go on: where they stood if their memory was kept, else started anew from their disk',
    )
    .argument('<devbox...>', 'ids or names of suspended boxes')
    .option('--no-memory', 'start from the disk, even where processes were kept')
    .option('--no-wait', 'do not wait until they run')
    .option('--json', 'print their views as JSON')
    .addHelpText('after', '\nExamples:\n  ./berth devbox resume dbx_…\n  ./berth devbox resume --no-memory desk')
    .action(async (words: string[], options: ResumeOptions) => {
      const client = new ApiClient(findEndpoint());
      const ids = await findDevboxes(client, words);
      const begin = performance.now();
      const resumed = await whileWaiting(
        'resuming',
        (signal) =>
          Promise.all(
            ids.map(async (id) => {
              const begun = await beginResume(client, id, options.memory ? undefined : false);
              return options.wait ? untilResumed(client, begun, signal) : begun;
            }),
          ),
        'it goes on without you; ./berth devbox list shows how far it is',
      );
      if (options.json) {
        printJson(resumed);
        return;
      }
      print(resumed.map(({ id, status }) => `${id} ${status}`).join('\n'));
      if (options.wait) {
        remark(dim(`after ${formatDuration(performance.now() - begin)}`));
      }
    });
