import { Command } from 'commander';

/** Commands that the launcher (`./berth`) carries out by itself; here they are described, for `--help` and completion. */
export const launcherCommands = (): readonly Command[] => [
  new Command('setup')
    .description('install what is missing, without starting anything')
    .addHelpText('after', '\nExample:\n  ./berth setup'),
  new Command('test')
    .description('run the tests')
    .argument('[which]', 'unit, integration, all (the default), fresh (on a plain Debian), machine (in machines)')
    .argument('[filter...]', 'only files whose path contains one of these')
    .addHelpText(
      'after',
      '\nExamples:\n  ./berth test\n  ./berth test unit packages/host/test/spool\n  ./berth test integration test/escape\n  ./berth test fresh',
    ),
  new Command('bench')
    .description('measure this Berth against runc, nginx and the machine; bench/README.md says what each one means')
    .argument('[name...]', 'which ones; all of them when left out')
    .option('--json', 'also print a line for machines')
    .addHelpText('after', '\nExamples:\n  ./berth bench\n  ./berth bench create exec-latency'),
];
