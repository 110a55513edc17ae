import { Command } from 'commander';
import { completionCommand } from './commands/completion.ts';
import { devboxCommand } from './commands/devbox/index.ts';
import { doctorCommand } from './commands/doctor.ts';
import { downCommand } from './commands/down.ts';
import { envCommand } from './commands/env.ts';
import { logsCommand } from './commands/logs.ts';
import { quickstartCommand } from './commands/quickstart.ts';
import { runCommand } from './commands/run.ts';
import { secretCommand } from './commands/secret/index.ts';
import { snapshotCommand } from './commands/snapshot/index.ts';
import { statusCommand } from './commands/status.ts';
import { upCommand } from './commands/up.ts';

const overview = `
Start here:
  ./berth quickstart          set up, start, and watch agents at work in eight boxes
  ./berth up --detach         start Berth
  eval "$(./berth env)"       let the official Runloop clients find it
  ./berth devbox create       make a box
  ./berth test                run all tests (unit, integration)`;

/** The whole command line. */
export const program = (): Command =>
  new Command('berth')
    .description('A computer for every agent: isolated devboxes behind the Runloop API, on your own machine.')
    .addCommand(quickstartCommand())
    .addCommand(upCommand())
    .addCommand(downCommand())
    .addCommand(statusCommand())
    .addCommand(doctorCommand())
    .addCommand(envCommand())
    .addCommand(logsCommand())
    .addCommand(new Command('test').description('run the tests: unit, integration, all (the default) or fresh'))
    .addCommand(
      new Command('bench').argument('[name...]').description('measure this Berth against runc, nginx and the machine'),
    )
    .addCommand(devboxCommand())
    .addCommand(snapshotCommand())
    .addCommand(secretCommand())
    .addCommand(runCommand())
    .addCommand(completionCommand())
    .addHelpText('after', overview)
    .showHelpAfterError('(./berth --help shows how)')
    .enablePositionalOptions();
