import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Command, Option } from 'commander';
import { readInstallation } from '../installation/installation.ts';
import { repositoryDirectory, type StatePaths, statePaths } from '../installation/paths.ts';
import { recallSupplies } from '../installation/supplies.ts';
import { agrees } from '../output/agreement.ts';
import { CommandFailure } from '../output/failure.ts';
import { bold, remark } from '../output/style.ts';
import { runProgram } from '../programs/run-program.ts';
import { livingBoxes, shutDownBoxes } from '../supervisor/boxes.ts';
import { hostEnvironment } from '../supervisor/environment.ts';
import { stopInstallation } from '../supervisor/stop.ts';

interface DownOptions {
  readonly all?: true;
  readonly keepBoxes?: true;
}

export const downCommand = (): Command =>
  new Command('down')
    .description('stop Berth and take away what it made (network, mounts); data, snapshots and suspended boxes stay')
    .addOption(new Option('--all', 'shut down every box first, suspended ones too').conflicts('keepBoxes'))
    .option('--keep-boxes', 'leave boxes running; ./berth up finds them again')
    .addHelpText('after', '\nExamples:\n  ./berth down\n  ./berth down --all')
    .action(async (options: DownOptions) => {
      const paths = statePaths();
      const installation = readInstallation(paths);
      if (installation === undefined) {
        remark(`no Berth in ${paths.state}`);
        return;
      }
      const ending = options.keepBoxes ? [] : await endBoxes(paths, options);
      const ran = await stopInstallation(paths);
      const teardown = join(repositoryDirectory(), 'packages/host/src/teardown.ts');
      if (!options.keepBoxes && existsSync(teardown)) {
        await runProgram([process.execPath, teardown, ...ending], {
          environment: { ...hostEnvironment(paths, installation), ...recallSupplies(paths) },
        });
      }
      remark(ran ? bold('Berth is stopped') : 'Berth was not running');
    });

/**
 * Shuts boxes down, where that is wanted.
 * @returns what is to be destroyed of those that only the host knows of, or that were not gone yet: a word for its teardown
 */
const endBoxes = async (paths: StatePaths, options: DownOptions): Promise<readonly string[]> => {
  const boxes = await livingBoxes(paths);
  if (options.all) {
    await shutDownBoxes([...boxes.ids, ...boxes.suspendedIds]);
    return ['--boxes'];
  }
  if (boxes.count === 0) {
    return [];
  }
  const these = boxes.count === 1 ? '1 box is running' : `${boxes.count} boxes are running`;
  if (!(await agrees(`${these}. Shut down?`))) {
    throw new CommandFailure(these, { hint: './berth down --all shuts them down, --keep-boxes leaves them running' });
  }
  await shutDownBoxes(boxes.ids);
  return ['--running'];
};
