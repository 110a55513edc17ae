import { Argument, Command } from 'commander';
import { completionScript, type Shell, shells } from '../output/completion.ts';
import { print } from '../output/style.ts';

export const completionCommand = (): Command =>
  new Command('completion')
    .description('print a completion script for your shell')
    .addArgument(new Argument('<shell>').choices(shells))
    .addHelpText('after', '\nExamples:\n  source <(./berth completion bash)\n  ./berth completion fish | source')
    .action((shell: Shell, _options: unknown, command: Command) => {
      const root = command.parent;
      if (root !== null) {
        print(completionScript(shell, root));
      }
    });
