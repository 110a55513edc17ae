import { Command } from 'commander';
import { createBlueprintCommand } from './create.ts';
import { cancelBlueprintCommand, deleteBlueprintCommand } from './delete.ts';
import { fromDockerfileCommand } from './from-dockerfile.ts';
import { getBlueprintCommand } from './get.ts';
import { listBlueprintsCommand } from './list.ts';
import { blueprintLogsCommand } from './logs.ts';
import { pruneBlueprintsCommand } from './prune.ts';

export const blueprintCommand = (): Command =>
  new Command('blueprint')
    .description('build images that boxes start from')
    .addCommand(createBlueprintCommand())
    .addCommand(fromDockerfileCommand())
    .addCommand(listBlueprintsCommand())
    .addCommand(getBlueprintCommand())
    .addCommand(blueprintLogsCommand())
    .addCommand(cancelBlueprintCommand())
    .addCommand(deleteBlueprintCommand())
    .addCommand(pruneBlueprintsCommand());
