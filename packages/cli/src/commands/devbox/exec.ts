import { Command } from 'commander';
import { exitStatusOf } from '../../devboxes/execution.ts';
import { findDevbox } from '../../devboxes/find-devbox.ts';
import { runLive } from '../../devboxes/live-execution.ts';
import { ApiClient } from '../../http/client.ts';
import { findEndpoint } from '../../http/endpoint.ts';
import { printJson, red, remark } from '../../output/style.ts';
import { quoted } from '../env.ts';

interface ExecOptions {
  readonly shell?: string;
  readonly interactive?: true;
  readonly json?: true;
}

const interruptedStatus = 130;

export const execCommand = (): Command =>
  new Command('exec')
    .description('run a command in a box; its output comes live, its exit status is this command’s')
    .argument('<devbox>', 'id or name of the box')
    .argument('<command...>', 'one word is a line for bash; several are the words of one command')
    .option('-s, --shell <name>', 'in this named shell, which keeps directory and variables')
    .option('-i, --interactive', 'hand over standard input (text)')
    .option('--json', 'print the execution as JSON when it has ended, in place of its output')
    .passThroughOptions()
    .addHelpText(
      'after',
      `
Ctrl-C kills the command in the box, and so does a pipe that is closed (| head).

Examples:
  ./berth devbox exec dbx_… 'for i in 1 2 3; do echo $i; sleep 1; done'
  ./berth devbox exec dbx_… -- python3 -c 'print("hello")'
  echo 6*7 | ./berth devbox exec -i dbx_… bc`,
    )
    .action(async (word: string, words: string[], options: ExecOptions) => {
      const client = new ApiClient(findEndpoint());
      const devbox = await findDevbox(client, word);
      const wish = {
        command: commandLine(words),
        ...(options.shell === undefined ? {} : { shell_name: options.shell }),
        ...(options.interactive ? { attach_stdin: true } : {}),
      };
      const { execution, interrupted } = await runLive(client, devbox, wish, { quiet: options.json === true });
      if (options.json) {
        printJson(execution);
      }
      if (execution.end?.kind === 'lost') {
        remark(red(`the execution was lost: ${execution.end.reason}`));
      }
      process.exitCode = interrupted ? interruptedStatus : exitStatusOf(execution);
    });

/** One word is taken as a line of shell, several as the words of one command. */
export const commandLine = (typed: readonly string[]): string => {
  const words = typed[0] === '--' ? typed.slice(1) : typed;
  return words.length === 1 ? (words[0] ?? '') : words.map(quoted).join(' ');
};
