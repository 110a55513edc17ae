import { Command } from 'commander';
import { deleteAgent, listAgents } from '../../agents/agent.ts';
import { ApiClient } from '../../http/client.ts';
import { findEndpoint } from '../../http/endpoint.ts';
import { chooseNamed } from '../../names/choose-named.ts';
import { print, printJson } from '../../output/style.ts';

const kind = { one: 'agent of yours', many: 'agents of yours', list: './berth agent list --own' };

/** Deletes mean one thing each: a name that several have is refused. */
const findOwn = async (client: ApiClient, word: string): Promise<string> =>
  word.startsWith('agt_')
    ? word
    : chooseNamed(kind, word, await listAgents(client, 'own', { name: word }), ({ id, version }) =>
        version === null ? id : `${id} (${version})`,
      ).id;

export const deleteAgentCommand = (): Command =>
  new Command('delete')
    .alias('rm')
    .description('delete agents of yours; boxes that were made with them go on')
    .argument('<agent...>', 'ids or names')
    .option('--json', 'print the deleted ids as JSON')
    .addHelpText('after', '\nExamples:\n  ./berth agent delete reviewer\n  ./berth agent delete agt_… agt_…')
    .action(async (words: string[], options: { json?: true }) => {
      const client = new ApiClient(findEndpoint());
      const ids = await Promise.all(words.map((word) => findOwn(client, word)));
      await Promise.all(ids.map((id) => deleteAgent(client, id)));
      if (options.json) {
        printJson(ids.map((id) => ({ id })));
      } else {
        print(ids.map((id) => `${id} deleted`).join('\n'));
      }
    });
