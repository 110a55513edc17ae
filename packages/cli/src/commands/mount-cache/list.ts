import { Command } from 'commander';
import { formatBytes } from '../../output/quantities.ts';
import { dim, print, printJson, remark } from '../../output/style.ts';
import { layersHere, layersTable, totalBytes } from './layers.ts';

export const listCommand = (): Command =>
  new Command('list')
    .alias('ls')
    .description('show what is kept, the least recently used first; root alone')
    .option('--json', 'as JSON')
    .addHelpText('after', '\nExamples:\n  ./berth mount-cache list\n  ./berth mount-cache list --json')
    .action(async ({ json }: { readonly json?: true }) => {
      const layers = await layersHere();
      if (json) {
        printJson(layers);
      } else if (layers.length === 0) {
        remark(dim('nothing is kept'));
      } else {
        print(layersTable(layers));
        remark(dim(`${formatBytes(totalBytes(layers))} in ${layers.length}`));
      }
    });
