import { parseArgs } from 'node:util';

/** How the example is run. */
export interface Options {
  readonly forks: number;
  readonly isolation: 'auto' | 'container' | 'gvisor';
  readonly small: boolean;
  readonly keep: boolean;
  readonly json: boolean;
}

const help = `Prepares a project once, forks the live box, tries another change in each copy, and keeps the best.

Usage: examples/live-fork/run [options]

  --forks <count>       copies, and changes tried (8, all there are)
  --isolation <grade>   auto, container or gvisor (auto); only gvisor forks with the running processes
  --small               index a small part of the library: for a quick look
  --keep                leave the boxes running
  --json                print the result as JSON`;

const most = 8;
const grades = ['auto', 'container', 'gvisor'] as const;

/** Reads the command line; ends the program with help or with what is wrong. */
export const readOptions = (words: readonly string[]): Options => {
  const { values } = parse(words);
  if (values.help) {
    process.stdout.write(`${help}\n`);
    process.exit(0);
  }
  const forks = Number(values.forks);
  const isolation = grades.find((grade) => grade === values.isolation);
  if (!Number.isInteger(forks) || forks < 1 || forks > most || isolation === undefined) {
    return refuse(`--forks takes a number from 1 to ${most}, --isolation one of ${grades.join(', ')}`);
  }
  return { forks, isolation, small: values.small, keep: values.keep, json: values.json };
};

const parse = (words: readonly string[]) => {
  try {
    return parseArgs({
      args: [...words],
      options: {
        forks: { type: 'string', default: String(most) },
        isolation: { type: 'string', default: 'auto' },
        small: { type: 'boolean', default: false },
        keep: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
  } catch (error) {
    return refuse(error instanceof Error ? error.message : String(error));
  }
};

const refuse = (problem: string): never => {
  process.stderr.write(`${problem}\n\n${help}\n`);
  process.exit(2);
};
