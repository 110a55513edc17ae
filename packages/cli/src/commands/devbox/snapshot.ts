import { Command } from 'commander';
import { findDevbox } from '../../devboxes/find-devbox.ts';
import { ApiClient } from '../../http/client.ts';
import { findEndpoint } from '../../http/endpoint.ts';
import { formatBytes, formatDuration } from '../../output/quantities.ts';
import { dim, print, printJson, remark } from '../../output/style.ts';
import { whileWaiting } from '../../output/waiting.ts';
import { beginSnapshot, untilComplete } from '../../snapshots/snapshot.ts';
import { collectPair } from '../options.ts';

interface SnapshotOptions {
  readonly name?: string;
  readonly message?: string;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly wait: boolean;
  readonly json?: true;
}

export const devboxSnapshotCommand = (): Command =>
  new Command('snapshot')
    .description("keep a box's disk as a snapshot that new boxes start from; print the snapshot's id")
    .argument('<devbox>', 'id or name of the box; it goes on')
    .option('--name <name>', 'a name; commands take it in place of the id')
    .option('-m, --message <text>', 'what is in it')
    .option('--metadata <KEY=VALUE>', 'label; may be repeated', collectPair)
    .option('--no-wait', 'do not wait until it is complete')
    .option('--json', 'print its view as JSON')
    .addHelpText(
      'after',
      `
Examples:
  ./berth devbox snapshot desk --name ready -m 'everything installed'
  ./berth devbox create --from ready`,
    )
    .action(async (word: string, options: SnapshotOptions) => {
      const client = new ApiClient(findEndpoint());
      const devbox = await findDevbox(client, word);
      const begin = performance.now();
      const begun = await beginSnapshot(client, devbox, {
        ...(options.name === undefined ? {} : { name: options.name }),
        ...(options.message === undefined ? {} : { commit_message: options.message }),
        ...(options.metadata === undefined ? {} : { metadata: options.metadata }),
      });
      const snapshot = options.wait
        ? await whileWaiting(
            `keeping the disk of ${word}`,
            (signal) => untilComplete(client, begun.id, signal),
            `it goes on without you; ./berth snapshot get ${begun.id} shows how far it is`,
          )
        : begun;
      if (options.json) {
        printJson(snapshot);
        return;
      }
      if (options.wait) {
        remark(dim(`${formatBytes(snapshot.size_bytes ?? 0)} after ${formatDuration(performance.now() - begin)}`));
      }
      print(snapshot.id);
    });
