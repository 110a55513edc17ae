import { Command } from 'commander';
import { ApiClient } from '../../http/client.ts';
import { findEndpoint } from '../../http/endpoint.ts';
import { findObject } from '../../objects/find-object.ts';
import { completeObject } from '../../objects/object.ts';
import { objectText } from '../../objects/object-text.ts';
import { print, printJson } from '../../output/style.ts';

export const completeObjectCommand = (): Command =>
  new Command('complete')
    .description('end the upload of an object: its content does not change any more')
    .argument('<object>', 'its id or name')
    .option('--json', 'as JSON')
    .addHelpText('after', '\nExample:\n  ./berth object complete obj_…')
    .action(async (word: string, options: { json?: true }) => {
      const client = new ApiClient(findEndpoint());
      const object = await completeObject(client, await findObject(client, word));
      options.json ? printJson(object) : print(objectText(object));
    });
