import { Command } from 'commander';
import { createAgentCommand } from './create.ts';
import { deleteAgentCommand } from './delete.ts';
import { listAgentsCommand } from './list.ts';
import { showAgentCommand } from './show.ts';

export const agentCommand = (): Command =>
  new Command('agent')
    .description('agents that boxes can be made with: those that come with Berth, and your own')
    .addCommand(listAgentsCommand())
    .addCommand(createAgentCommand())
    .addCommand(showAgentCommand())
    .addCommand(deleteAgentCommand());
