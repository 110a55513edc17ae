import { randomUUID } from 'node:crypto';
import { createInterface } from 'node:readline/promises';
import { Command } from 'commander';
import { exitStatusOf } from '../../devboxes/execution.ts';
import { findDevbox } from '../../devboxes/find-devbox.ts';
import { runLive } from '../../devboxes/live-execution.ts';
import { ApiClient } from '../../http/client.ts';
import { findEndpoint } from '../../http/endpoint.ts';
import { CommandFailure } from '../../output/failure.ts';
import { bold, dim, red, remark } from '../../output/style.ts';

export const shellCommand = (): Command =>
  new Command('shell')
    .description('type commands into a box, line by line, in one shell that keeps directory and variables')
    .argument('<devbox>', 'id or name of the box')
    .option('-s, --shell <name>', 'name of the shell, to come back to it later')
    .addHelpText(
      'after',
      `
Lines are run one after another; Ctrl-C kills the running one, Ctrl-D leaves. There is no terminal in the box yet: programs that
draw on the screen (vim, top) do not work here.

Example:
  ./berth devbox shell dbx_…`,
    )
    .action(async (word: string, options: { shell?: string }) => {
      const client = new ApiClient(findEndpoint());
      const devbox = await findDevbox(client, word);
      const shellName = options.shell ?? `cli-${randomUUID()}`;
      remark(dim(`shell ${shellName} in ${devbox}; a line at a time, no terminal in the box; Ctrl-D leaves`));
      const terminal = createInterface({ input: process.stdin, output: process.stderr, historySize: 1_000 });
      let status = 0;
      let running = false;
      let closed = false;
      const prompt = (): void => {
        if (!closed) {
          terminal.setPrompt(`${status === 0 ? bold('box') : red(`box ${status}`)}$ `);
          terminal.prompt();
        }
      };
      terminal.once('close', () => {
        closed = true;
      });
      // A terminal in readline's hands gives Ctrl-C to readline: handed on to the running command, else it clears the line.
      terminal.on('SIGINT', () => {
        if (running) {
          process.emit('SIGINT');
        } else {
          terminal.write(null, { ctrl: true, name: 'u' });
        }
      });
      prompt();
      for await (const line of terminal) {
        if (line.trim() !== '') {
          running = true;
          status = await runLine(client, devbox, shellName, line);
          running = false;
        }
        prompt();
      }
      process.exitCode = status;
    });

const runLine = async (client: ApiClient, devbox: string, shellName: string, line: string): Promise<number> => {
  try {
    const { execution } = await runLive(client, devbox, { command: line, shell_name: shellName });
    return exitStatusOf(execution);
  } catch (error) {
    if (error instanceof CommandFailure) {
      remark(red(error.message));
      return 1;
    }
    throw error;
  }
};
