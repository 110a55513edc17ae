import { Command } from 'commander';
import { findAgent } from '../../agents/agent.ts';
import { agentText } from '../../agents/agent-text.ts';
import { ApiClient } from '../../http/client.ts';
import { findEndpoint } from '../../http/endpoint.ts';
import { print, printJson } from '../../output/style.ts';

export const showAgentCommand = (): Command =>
  new Command('show')
    .alias('get')
    .description('show where an agent comes from, and how a ready-made one is started')
    .argument('<agent>', 'its id, or its name: the one that a box would be made with')
    .option('--json', 'as JSON')
    .addHelpText('after', '\nExamples:\n  ./berth agent show claude-code\n  ./berth agent show agt_… --json')
    .action(async (word: string, options: { json?: true }) => {
      const agent = await findAgent(new ApiClient(findEndpoint()), word);
      if (options.json) {
        printJson(agent);
      } else {
        print(agentText(agent));
      }
    });
