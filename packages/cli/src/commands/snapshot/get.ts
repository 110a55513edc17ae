import type { SnapshotStatusView } from '@berth/contract';
import { Command } from 'commander';
import { ApiClient } from '../../http/client.ts';
import { findEndpoint } from '../../http/endpoint.ts';
import { formatBytes } from '../../output/quantities.ts';
import { bold, green, print, printJson, red, yellow } from '../../output/style.ts';
import { findSnapshot } from '../../snapshots/find-snapshot.ts';
import { snapshotStatus } from '../../snapshots/snapshot.ts';

export const getSnapshotCommand = (): Command =>
  new Command('get')
    .description('show one snapshot')
    .argument('<snapshot>', 'its id or name')
    .option('--json', 'status and view as JSON')
    .addHelpText('after', '\nExamples:\n  ./berth snapshot get ready\n  ./berth snapshot get snp_… --json')
    .action(async (word: string, options: { json?: true }) => {
      const client = new ApiClient(findEndpoint());
      const id = await findSnapshot(client, word);
      const found = await snapshotStatus(client, id);
      if (options.json) {
        printJson(found);
      } else {
        print(snapshotText(id, found));
      }
    });

const colours = { complete: green, in_progress: yellow, error: red, deleted: String } as const;

/** All there is to say of one snapshot, a line each. */
export const snapshotText = (id: string, { status, error_message, snapshot }: SnapshotStatusView): string =>
  [
    `${bold(id)} ${snapshot?.name ?? ''}`.trimEnd(),
    `status    ${colours[status](status)}${error_message ? `: ${error_message}` : ''}`,
    ...(snapshot
      ? [
          ...(snapshot.commit_message ? [`message   ${snapshot.commit_message}`] : []),
          `size      ${snapshot.size_bytes === null ? 'unknown' : formatBytes(snapshot.size_bytes)}`,
          `created   ${new Date(snapshot.create_time_ms).toISOString()}`,
          `taken of  ${snapshot.source_devbox_id}`,
          ...Object.entries(snapshot.metadata).map(([key, value]) => `metadata  ${key}=${value}`),
        ]
      : []),
  ].join('\n');
