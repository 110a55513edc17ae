import { Command } from 'commander';
import { ApiClient } from '../../http/client.ts';
import { findEndpoint } from '../../http/endpoint.ts';
import { findObject } from '../../objects/find-object.ts';
import { downloadUrl, getObject } from '../../objects/object.ts';
import { objectText } from '../../objects/object-text.ts';
import { print, printJson } from '../../output/style.ts';

export const getObjectCommand = (): Command =>
  new Command('get')
    .description('show one object')
    .argument('<object>', 'its id or name')
    .option('--url', 'print a URL that it can be downloaded from for an hour, without a key, in boxes too')
    .option('--json', 'as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  ./berth object get project\n  curl -o project.tgz "$(./berth object get project --url)"',
    )
    .action(async (word: string, options: { json?: true; url?: true }) => {
      const client = new ApiClient(findEndpoint());
      const id = await findObject(client, word);
      if (options.url) {
        print(await downloadUrl(client, id));
        return;
      }
      const object = await getObject(client, id);
      options.json ? printJson(object) : print(objectText(object));
    });
