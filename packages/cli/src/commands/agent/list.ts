import { Command } from 'commander';
import { type AgentScope, listAgents } from '../../agents/agent.ts';
import { agentTable } from '../../agents/agent-text.ts';
import { ApiClient } from '../../http/client.ts';
import { findEndpoint } from '../../http/endpoint.ts';
import { dim, print, printJson, remark } from '../../output/style.ts';
import { parseCount } from '../logs.ts';

interface ListOptions {
  readonly own?: true;
  readonly public?: true;
  readonly name?: string;
  readonly latest?: true;
  readonly limit: number;
  readonly json?: true;
}

const scopeOf = ({ own, public: open }: ListOptions): AgentScope =>
  own === open ? 'all' : own === undefined ? 'public' : 'own';

export const listAgentsCommand = (): Command =>
  new Command('list')
    .alias('ls')
    .description('show agents: your own, then public ones, newest first')
    .option('--own', 'only your own')
    .option('--public', 'only public ones, those that come with Berth among them')
    .option('--name <text>', 'only those with this in their names')
    .option('--latest', 'only the newest of each name')
    .option('-n, --limit <count>', 'at most so many', parseCount, 100)
    .option('--json', 'as JSON')
    .addHelpText('after', '\nExamples:\n  ./berth agent list\n  ./berth agent list --own --latest --json')
    .action(async (options: ListOptions) => {
      const client = new ApiClient(findEndpoint());
      const version = options.latest ? 'latest' : undefined;
      const all = await listAgents(client, scopeOf(options), { name: options.name, version });
      const shown = all.slice(0, options.limit);
      if (options.json) {
        printJson(shown);
      } else if (all.length === 0) {
        remark(dim('no agents'));
      } else {
        print(agentTable(shown));
        if (all.length > shown.length) {
          remark(dim(`${all.length - shown.length} more; --limit shows them`));
        }
      }
    });
