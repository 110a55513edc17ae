import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { Command } from 'commander';
import { ApiClient } from '../../http/client.ts';
import { findEndpoint } from '../../http/endpoint.ts';
import { findObject } from '../../objects/find-object.ts';
import { downloadUrl, getObject } from '../../objects/object.ts';
import { downloadFrom, isDirectory } from '../../objects/transfer.ts';
import { CommandFailure } from '../../output/failure.ts';
import { formatBytes, formatDuration } from '../../output/quantities.ts';
import { dim, printJson, remark } from '../../output/style.ts';

export const downloadObjectCommand = (): Command =>
  new Command('download')
    .description('fetch the content of an object into a file')
    .argument('<object>', 'its id or name')
    .argument('[to]', 'a file, a directory, or - for the standard output', '.')
    .option('-f, --force', 'replace a file that is there')
    .option('--json', 'print what was fetched as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  ./berth object download project project.tgz\n  ./berth object download obj_… - | tar -tzf -',
    )
    .action(async (word: string, to: string, options: { json?: true; force?: true }) => {
      const client = new ApiClient(findEndpoint());
      const id = await findObject(client, word);
      const object = await getObject(client, id);
      // A name may hold slashes: only its last part names a file here.
      const fileName = basename(object.name) || id;
      const target = isDirectory(to) === true ? join(to, fileName) : to;
      if (target !== '-' && existsSync(target) && !options.force) {
        throw new CommandFailure(`${target} is there already`, { hint: 'choose another name, or --force' });
      }
      const begin = performance.now();
      const sizeBytes = await downloadFrom(client, await downloadUrl(client, id), target, fileName);
      const durationMs = Math.round(performance.now() - begin);
      if (options.json && target !== '-') {
        printJson({ id, to: target, sizeBytes, durationMs });
      } else {
        remark(dim(`${target === '-' ? '' : `${target}: `}${formatBytes(sizeBytes)} in ${formatDuration(durationMs)}`));
      }
    });
