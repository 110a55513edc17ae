import { Command } from 'commander';
import { statePaths } from '../installation/paths.ts';
import { print, printJson } from '../output/style.ts';
import { statusReport } from '../status/report.ts';
import { statusText } from '../status/text.ts';

export const statusCommand = (): Command =>
  new Command('status')
    .description('show what runs; exit status 0 when Berth is up, 3 when it is not')
    .option('--json', 'as JSON')
    .addHelpText('after', '\nExamples:\n  ./berth status\n  ./berth status --json')
    .action(async (options: { json?: true }) => {
      const report = await statusReport(statePaths());
      if (options.json) {
        printJson(report);
      } else {
        print(statusText(report));
      }
      process.exitCode = report.state === 'running' ? 0 : 3;
    });
