import { Command } from 'commander';
import { deleteSnapshotCommand } from './delete.ts';
import { getSnapshotCommand } from './get.ts';
import { listSnapshotsCommand } from './list.ts';
import { pruneCommand } from './prune.ts';

export const snapshotCommand = (): Command =>
  new Command('snapshot')
    .description('see and clear away kept disks; ./berth devbox snapshot keeps one')
    .addCommand(listSnapshotsCommand())
    .addCommand(getSnapshotCommand())
    .addCommand(deleteSnapshotCommand())
    .addCommand(pruneCommand());
