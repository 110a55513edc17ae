import { createReadStream, existsSync, statSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { Argument, Command, InvalidArgumentError } from 'commander';
import { statePaths } from '../installation/paths.ts';
import { CommandFailure } from '../output/failure.ts';
import { print } from '../output/style.ts';
import { logNames, logPath, logTail } from '../supervisor/log-tail.ts';

const lookMs = 200;

export const parseCount = (text: string): number => {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1 || count > 1_000_000) {
    throw new InvalidArgumentError('a number from 1 to 1000000');
  }
  return count;
};

export const logsCommand = (): Command =>
  new Command('logs')
    .description("show a service's log")
    .addArgument(new Argument('[service]', 'which one').choices(logNames).default('server'))
    .option('-f, --follow', 'go on with what is added')
    .option('-n, --lines <count>', 'lines to begin with', parseCount, 50)
    .addHelpText('after', '\nExamples:\n  ./berth logs server -f\n  ./berth logs postgres -n 200')
    .action(async (service: string, options: { follow?: true; lines: number }) => {
      const path = logPath(statePaths(), service);
      if (!existsSync(path)) {
        throw new CommandFailure(`${service} has no log yet`, { hint: './berth up' });
      }
      const tail = logTail(statePaths(), service, options.lines);
      if (tail !== '') {
        print(tail);
      }
      if (options.follow) {
        await follow(path);
      }
    });

/** Prints what is added to the file, from its present end on, until interrupted. A file that shrank was rotated: it is read from its start. */
const follow = async (path: string): Promise<void> => {
  let position = statSync(path).size;
  for (;;) {
    const size = statSync(path).size;
    if (size < position) {
      position = 0;
    }
    if (size > position) {
      for await (const bytes of createReadStream(path, { start: position, end: size - 1 })) {
        process.stdout.write(bytes as Uint8Array);
      }
      position = size;
    }
    await pause(lookMs);
  }
};
