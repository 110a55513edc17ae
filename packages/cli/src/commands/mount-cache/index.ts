import { Command } from 'commander';
import { listCommand } from './list.ts';
import { pruneCommand } from './prune.ts';

export const mountCacheCommand = (): Command =>
  new Command('mount-cache')
    .description('see and clear away agents and repositories that are kept for boxes to share')
    .addCommand(listCommand())
    .addCommand(pruneCommand());
