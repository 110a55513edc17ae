import { Command } from 'commander';
import { copyCommand } from './cp.ts';
import { createCommand } from './create.ts';
import { deleteCommand } from './delete.ts';
import { execCommand } from './exec.ts';
import { forkCommand } from './fork.ts';
import { getCommand } from './get.ts';
import { listCommand } from './list.ts';
import { devboxLogsCommand } from './logs.ts';
import { resumeCommand } from './resume.ts';
import { shellCommand } from './shell.ts';
import { devboxSnapshotCommand } from './snapshot.ts';
import { suspendCommand } from './suspend.ts';

export const devboxCommand = (): Command =>
  new Command('devbox')
    .alias('box')
    .description('make and use boxes')
    .enablePositionalOptions()
    .addCommand(createCommand())
    .addCommand(listCommand())
    .addCommand(getCommand())
    .addCommand(execCommand())
    .addCommand(shellCommand())
    .addCommand(copyCommand())
    .addCommand(devboxLogsCommand())
    .addCommand(suspendCommand())
    .addCommand(resumeCommand())
    .addCommand(forkCommand())
    .addCommand(devboxSnapshotCommand())
    .addCommand(deleteCommand());
