import { basename, resolve } from 'node:path';
import { Command } from 'commander';
import { ApiClient } from '../../http/client.ts';
import { findEndpoint } from '../../http/endpoint.ts';
import { contentTypeOf } from '../../objects/content-type.ts';
import { completeObject, createObject, deleteObject } from '../../objects/object.ts';
import { isDirectory, uploadTo } from '../../objects/transfer.ts';
import { CommandFailure } from '../../output/failure.ts';
import { formatBytes, formatDuration } from '../../output/quantities.ts';
import { dim, print, printJson, remark } from '../../output/style.ts';
import { type ObjectOptions, wishOf, withObjectOptions } from './options.ts';

export const uploadObjectCommand = (): Command =>
  withObjectOptions(
    new Command('upload')
      .description('upload a file as an object, or a directory as a compressed archive; prints its id')
      .argument('<path>', 'a file or directory here'),
  )
    .addHelpText(
      'after',
      `
The type follows from the ending unless --type names one: an archive becomes a directory in the box that it is mounted in, .gz the unpacked file.

Examples:
  ./berth object upload ./model.bin --ttl 30d
  ./berth object upload ./project --name project
  ./berth object upload notes.md --metadata team=blue --json`,
    )
    .action(async (path: string, options: ObjectOptions) => {
      const directory = isDirectory(path);
      if (directory === undefined) {
        throw new CommandFailure(`there is no ${path}`);
      }
      const name = basename(resolve(path));
      const client = new ApiClient(findEndpoint());
      const begin = performance.now();
      const made = await createObject(client, wishOf(options, name, directory ? 'tgz' : contentTypeOf(name)));
      try {
        const target = { url: String(made.upload_url), headers: made.upload_headers ?? {} };
        const sizeBytes = await uploadTo(client, target, path, name);
        const object = await completeObject(client, made.id);
        if (options.json) {
          printJson(object);
        } else {
          remark(dim(`${formatBytes(sizeBytes)} in ${formatDuration(performance.now() - begin)}`));
          print(object.id);
        }
      } catch (error) {
        await deleteObject(client, made.id).catch(() => undefined);
        throw error;
      }
    });
