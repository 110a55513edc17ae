import { Command } from 'commander';
import { parseCopyEnd } from '../../devboxes/copy-end.ts';
import { downloadPath } from '../../devboxes/download.ts';
import { findDevbox } from '../../devboxes/find-devbox.ts';
import { uploadPath } from '../../devboxes/upload.ts';
import { ApiClient } from '../../http/client.ts';
import { findEndpoint } from '../../http/endpoint.ts';
import { CommandFailure } from '../../output/failure.ts';
import { formatBytes, formatDuration } from '../../output/quantities.ts';
import { dim, printJson, remark } from '../../output/style.ts';

export const copyCommand = (): Command =>
  new Command('cp')
    .description('copy a file or directory into a box, or out of it')
    .argument('<from>', 'a path here, or <devbox>:<path>')
    .argument('<to>', 'a path here, or <devbox>:<path>')
    .option('--json', 'print what was copied as JSON')
    .addHelpText(
      'after',
      `
A path in a box is absolute, or relative to the home of its user. A path here with a colon in its first part is written ./like:this.

Examples:
  ./berth devbox cp ./report.csv dbx_…:/tmp/
  ./berth devbox cp desk:results ./results`,
    )
    .action(async (fromText: string, toText: string, options: { json?: true }) => {
      const from = parseCopyEnd(fromText);
      const to = parseCopyEnd(toText);
      const client = new ApiClient(findEndpoint());
      const begin = performance.now();
      const sizeBytes = await copy(client, from, to);
      const durationMs = Math.round(performance.now() - begin);
      if (options.json) {
        printJson({ from: fromText, to: toText, sizeBytes, durationMs });
      } else {
        remark(dim(`${formatBytes(sizeBytes)} in ${formatDuration(durationMs)}`));
      }
    });

type CopyEnd = ReturnType<typeof parseCopyEnd>;

const copy = async (client: ApiClient, from: CopyEnd, to: CopyEnd): Promise<number> => {
  if (from.devbox === undefined && to.devbox !== undefined) {
    return uploadPath(client, from.path, await findDevbox(client, to.devbox), to.path);
  }
  if (from.devbox !== undefined && to.devbox === undefined) {
    return downloadPath(client, await findDevbox(client, from.devbox), from.path, to.path);
  }
  throw new CommandFailure('one of the two must be in a box, the other here', {
    hint: 'write dbx_…:/path, or its name, for the one in a box',
  });
};
