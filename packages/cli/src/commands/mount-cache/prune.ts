import { Command } from 'commander';
import { durationOption } from '../options.ts';
import { type PruneChoice, prune } from '../prune.ts';
import { layersHere, layersTable, totalBytes } from './layers.ts';

interface PruneOptions extends PruneChoice {
  /** Seconds. */
  readonly unusedFor?: number;
}

export const pruneCommand = (): Command =>
  new Command('prune')
    .description('delete what is kept, after showing it; root alone')
    .option('--unused-for <duration>', 'only what no box was made from for so long: 12h, 30d, 8w', durationOption)
    .option('-y, --yes', 'delete without asking')
    .option('--dry-run', 'show what would go, and delete nothing')
    .option('--json', 'print what goes as JSON; deletes only with --yes')
    .addHelpText(
      'after',
      `
The next box that wants the agent or repository makes it anew. Boxes and snapshots that stand on a layer go on with it, and its space is free
once they are gone. Without a command the least recently used go by themselves, beyond BERTH_MOUNT_CACHE_BYTES.

Examples:
  ./berth mount-cache prune --unused-for 30d --dry-run
  ./berth mount-cache prune --yes`,
    )
    .action(async (options: PruneOptions) => {
      const layers = await layersHere();
      const beforeMs = Date.now() - (options.unusedFor ?? 0) * 1_000;
      const mayGo = layers.filter(
        ({ status, usedMs }) => status === 'ready' && (options.unusedFor === undefined || usedMs < beforeMs),
      );
      const stays = layers.filter((layer) => !mayGo.includes(layer));
      await prune({ goes: mayGo, stays }, options, {
        noun: 'layer',
        table: layersTable,
        remove: { all: async (ids) => (await layersHere(ids)).map(({ id }) => id) },
        bytes: totalBytes,
      });
    });
