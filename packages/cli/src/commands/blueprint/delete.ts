import { Command } from 'commander';
import { cancelBlueprint, deleteBlueprint, findBlueprint } from '../../blueprints/blueprint.ts';
import { statusText } from '../../blueprints/blueprint-text.ts';
import { ApiClient } from '../../http/client.ts';
import { findEndpoint } from '../../http/endpoint.ts';
import { print, printJson } from '../../output/style.ts';

export const deleteBlueprintCommand = (): Command =>
  new Command('delete')
    .alias('rm')
    .description('delete blueprints; boxes that were started from them go on')
    .argument('<blueprint...>', 'ids or names')
    .option('--json', 'print the deleted ids as JSON')
    .addHelpText('after', '\nExamples:\n  ./berth blueprint delete reviewer\n  ./berth blueprint delete bpt_… bpt_…')
    .action(async (words: string[], options: { json?: true }) => {
      const client = new ApiClient(findEndpoint());
      const ids = await Promise.all(words.map((word) => findBlueprint(client, word, 'only')));
      await Promise.all(ids.map((id) => deleteBlueprint(client, id)));
      if (options.json) {
        printJson(ids.map((id) => ({ id, state: 'deleted' })));
      } else {
        print(ids.map((id) => `${id} deleted`).join('\n'));
      }
    });

export const cancelBlueprintCommand = (): Command =>
  new Command('cancel')
    .description('end a build that waits or runs')
    .argument('<blueprint>', 'its id, or its name: the newest of several')
    .option('--json', 'the whole view as JSON')
    .addHelpText('after', '\nExamples:\n  ./berth blueprint cancel reviewer\n  ./berth blueprint cancel bpt_…')
    .action(async (word: string, options: { json?: true }) => {
      const client = new ApiClient(findEndpoint());
      const blueprint = await cancelBlueprint(client, await findBlueprint(client, word, 'newest'));
      if (options.json) {
        printJson(blueprint);
      } else {
        print(`${blueprint.id} ${statusText(blueprint)}`);
      }
    });
