import { Command } from 'commander';
import { ApiClient } from '../../http/client.ts';
import { findEndpoint } from '../../http/endpoint.ts';
import { findObject } from '../../objects/find-object.ts';
import { deleteObject } from '../../objects/object.ts';
import { print, printJson } from '../../output/style.ts';

export const deleteObjectCommand = (): Command =>
  new Command('delete')
    .alias('rm')
    .description('delete objects; boxes that have them mounted keep their copies')
    .argument('<object...>', 'ids or names')
    .option('--json', 'print the deleted ones as JSON')
    .addHelpText('after', '\nExamples:\n  ./berth object delete project\n  ./berth object delete obj_… obj_…')
    .action(async (words: string[], options: { json?: true }) => {
      const client = new ApiClient(findEndpoint());
      const ids = await Promise.all(words.map((word) => findObject(client, word)));
      const deleted = await Promise.all(ids.map((id) => deleteObject(client, id)));
      if (options.json) {
        printJson(deleted);
      } else {
        print(ids.map((id) => `${id} deleted`).join('\n'));
      }
    });
