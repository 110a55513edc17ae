import { Command } from 'commander';
import { findBlueprint, getBlueprint } from '../../blueprints/blueprint.ts';
import { blueprintText } from '../../blueprints/blueprint-text.ts';
import { ApiClient } from '../../http/client.ts';
import { findEndpoint } from '../../http/endpoint.ts';
import { print, printJson } from '../../output/style.ts';

export const getBlueprintCommand = (): Command =>
  new Command('get')
    .description('show one blueprint')
    .argument('<blueprint>', 'its id, or its name: the newest of several')
    .option('--json', 'the whole view as JSON')
    .addHelpText('after', '\nExamples:\n  ./berth blueprint get reviewer\n  ./berth blueprint get bpt_… --json')
    .action(async (word: string, options: { json?: true }) => {
      const client = new ApiClient(findEndpoint());
      const blueprint = await getBlueprint(client, await findBlueprint(client, word, 'newest'));
      if (options.json) {
        printJson(blueprint);
      } else {
        print(blueprintText(blueprint));
      }
    });
