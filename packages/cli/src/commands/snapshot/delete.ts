import { Command } from 'commander';
import { ApiClient } from '../../http/client.ts';
import { findEndpoint } from '../../http/endpoint.ts';
import { print, printJson } from '../../output/style.ts';
import { findSnapshot } from '../../snapshots/find-snapshot.ts';
import { deleteSnapshot } from '../../snapshots/snapshot.ts';

export const deleteSnapshotCommand = (): Command =>
  new Command('delete')
    .alias('rm')
    .description('forget snapshots; boxes that were started from them go on')
    .argument('<snapshot...>', 'ids or names')
    .option('--json', 'print the deleted ids as JSON')
    .addHelpText('after', '\nExamples:\n  ./berth snapshot delete ready\n  ./berth snapshot delete snp_… snp_…')
    .action(async (words: string[], options: { json?: true }) => {
      const client = new ApiClient(findEndpoint());
      const ids = await Promise.all(words.map((word) => findSnapshot(client, word)));
      await Promise.all(ids.map((id) => deleteSnapshot(client, id)));
      if (options.json) {
        printJson(ids.map((id) => ({ id, status: 'deleted' })));
      } else {
        print(ids.map((id) => `${id} deleted`).join('\n'));
      }
    });
