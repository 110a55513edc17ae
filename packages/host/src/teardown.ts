import { pino } from 'pino';
import { readConfiguration } from './local/configuration.ts';
import { takeLock } from './local/lock-file.ts';
import { removeInstallation } from './local/removal.ts';
import { StatePaths } from './local/state-paths.ts';

/**
 * Takes an installation's kernel objects away, with no host process running: `node teardown.ts [--running|--boxes|--all]`. Boxes with processes are
 * left alone, and so is everything else then. `--running` destroys them first, `--boxes` all boxes, suspended ones too, and `--all` boxes,
 * snapshots and the volume. Prints JSON {removed, boxes}.
 */
async function main(): Promise<void> {
  const configuration = await readConfiguration(process.env);
  const unlock = takeLock(new StatePaths(configuration.stateDirectory).lock);
  try {
    const first =
      (['all', 'boxes', 'running'] as const).find((word) => process.argv.includes(`--${word}`)) ?? 'nothing';
    const log = pino({ level: 'warn' }, pino.destination(2));
    const boxes = await removeInstallation(configuration, { first, log });
    process.stdout.write(`${JSON.stringify({ removed: boxes === 0, boxes })}\n`);
  } finally {
    unlock();
  }
}

main().catch((error: unknown) => {
  process.stderr.write(`berth host: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
});
