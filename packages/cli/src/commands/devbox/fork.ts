import type { DevboxView } from '@berth/contract';
import { Command, Option } from 'commander';
import { findDevbox } from '../../devboxes/find-devbox.ts';
import { forkDevbox, forkedText } from '../../devboxes/fork.ts';
import { shutDownDevbox, untilRunning } from '../../devboxes/lifecycle.ts';
import { ApiClient } from '../../http/client.ts';
import { findEndpoint } from '../../http/endpoint.ts';
import { CommandFailure } from '../../output/failure.ts';
import { dim, print, printJson, red, remark } from '../../output/style.ts';
import { whileWaiting } from '../../output/waiting.ts';
import { parseCount } from '../logs.ts';
import { collectPair } from '../options.ts';

interface ForkOptions {
  readonly count: number;
  readonly memory?: boolean;
  readonly name?: string;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly wait: boolean;
  readonly json?: true;
}

export const forkCommand = (): Command =>
  new Command('fork')
    .description(
      'branch a running box: copies with its disk and, where the grade can, its running processes; it goes on itself',
    )
    .argument('<devbox>', 'id or name of the box')
    .option('-n, --count <count>', 'how many copies', parseCount, 1)
    .option('--memory', 'with the running processes (gvisor); refused where that is impossible')
    .addOption(new Option('--no-memory', 'with the disk alone: each copy starts anew from it').default(undefined))
    .option('--name <name>', 'name of the copies; several are numbered: name-1, name-2, …')
    .option('--metadata <KEY=VALUE>', 'label of the copies; may be repeated', collectPair)
    .option('--no-wait', 'do not wait until they run')
    .option('--json', 'print their views as JSON')
    .addHelpText(
      'after',
      `
Prints the ids of the copies, one a line. Without --memory or --no-memory, a gvisor box is copied with its processes, a container
without. Says how long the source stood still for it (source_pause_ms in the JSON). Ctrl-C while they start shuts the copies down again.

Examples:
  ./berth devbox fork desk
  for box in $(./berth devbox fork -n 4 desk); do ./berth devbox exec "$box" hostname; done`,
    )
    .action(async (word: string, options: ForkOptions) => {
      const client = new ApiClient(findEndpoint());
      const source = await findDevbox(client, word);
      const begin = performance.now();
      const forks = await whileWaiting(
        `forking ${word}`,
        (signal) => forkAndWait(client, source, options, signal),
        'the copies were shut down',
      );
      if (options.json) {
        printJson(forks);
      } else {
        print(forks.map(({ id }) => id).join('\n'));
      }
      const failed = forks.filter(({ status }) => status === 'failure' || status === 'shutdown');
      if (failed.length > 0) {
        throw new CommandFailure(`${failed.length} of ${forks.length} copies did not start`, {
          hint: './berth devbox get says why',
        });
      }
      if (!options.json && options.wait) {
        remark(dim(forkedText(forks, performance.now() - begin)));
      }
    });

const forkAndWait = async (
  client: ApiClient,
  source: string,
  options: ForkOptions,
  signal: AbortSignal,
): Promise<DevboxView[]> => {
  // Not cut short by Ctrl-C: only the answer names the copies that are to be shut down.
  const forks = await forkDevbox(client, source, wishOf(options));
  try {
    signal.throwIfAborted();
    return options.wait ? await Promise.all(forks.map((fork) => startedOrFailed(client, fork, signal))) : forks;
  } catch (error) {
    if (signal.aborted) {
      await Promise.all(forks.map(({ id }) => shutDownDevbox(client, id)));
    }
    throw error;
  }
};

/** One copy that does not start is told, and does not hide the others. */
const startedOrFailed = async (client: ApiClient, fork: DevboxView, signal: AbortSignal): Promise<DevboxView> => {
  try {
    return await untilRunning(client, fork.id, signal);
  } catch (error) {
    if (signal.aborted || !(error instanceof CommandFailure)) {
      throw error;
    }
    remark(red(error.message));
    return { ...fork, status: 'failure' };
  }
};

const wishOf = ({ count, memory, name, metadata }: ForkOptions) => ({
  count,
  ...(memory === undefined ? {} : { memory }),
  ...(name === undefined ? {} : { name }),
  ...(metadata === undefined ? {} : { metadata }),
});
