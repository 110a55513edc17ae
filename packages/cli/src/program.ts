import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { accountCommand } from './commands/account/index.ts';
import { agentCommand } from './commands/agent/index.ts';
import { blueprintCommand } from './commands/blueprint/index.ts';
import { completionCommand } from './commands/completion.ts';
import { devboxCommand } from './commands/devbox/index.ts';
import { doctorCommand } from './commands/doctor.ts';
import { downCommand } from './commands/down.ts';
import { envCommand } from './commands/env.ts';
import { launcherCommands } from './commands/launcher.ts';
import { logsCommand } from './commands/logs.ts';
import { mountCacheCommand } from './commands/mount-cache/index.ts';
import { objectCommand } from './commands/object/index.ts';
import { quickstartCommand } from './commands/quickstart.ts';
import { runCommand } from './commands/run.ts';
import { secretCommand } from './commands/secret/index.ts';
import { snapshotCommand } from './commands/snapshot/index.ts';
import { statusCommand } from './commands/status.ts';
import { upCommand } from './commands/up.ts';
import { repositoryDirectory } from './installation/paths.ts';

const overview = `
Start here:
  ./berth quickstart          set up, start, and watch agents at work in eight boxes
  ./berth up --detach         start Berth
  eval "$(./berth env)"       let the official Runloop clients find it
  ./berth devbox create       make a box
  ./berth test                run all tests (unit, integration)`;

/** The whole command line. */
export const program = (): Command => {
  const berth = new Command('berth')
    .description('A computer for every agent: isolated devboxes behind the Runloop API, on your own machine.')
    .addCommand(quickstartCommand())
    .addCommand(upCommand())
    .addCommand(downCommand())
    .addCommand(statusCommand())
    .addCommand(doctorCommand())
    .addCommand(envCommand())
    .addCommand(logsCommand())
    .addCommand(devboxCommand())
    .addCommand(snapshotCommand())
    .addCommand(blueprintCommand())
    .addCommand(objectCommand())
    .addCommand(secretCommand())
    .addCommand(agentCommand())
    .addCommand(mountCacheCommand())
    .addCommand(accountCommand())
    .addCommand(runCommand())
    .addCommand(completionCommand())
    .addHelpText('after', overview)
    .version(version(), '-V, --version', 'print the version')
    .enablePositionalOptions();
  for (const command of launcherCommands()) {
    berth.addCommand(command);
  }
  hintAtHelp(berth, './berth');
  return berth;
};

/** Wrong usage of any command names where the right one stands. */
const hintAtHelp = (command: Command, path: string): void => {
  command.showHelpAfterError(`(${path} --help shows how)`);
  for (const inner of command.commands) {
    hintAtHelp(inner, `${path} ${inner.name()}`);
  }
};

const version = (): string => {
  const manifest = readFileSync(join(repositoryDirectory(), 'package.json'), 'utf8');
  return (JSON.parse(manifest) as { version: string }).version;
};
