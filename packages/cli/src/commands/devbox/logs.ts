import type { LogEntryView } from '@berth/contract';
import { Command } from 'commander';
import { findDevbox } from '../../devboxes/find-devbox.ts';
import { followLogs } from '../../devboxes/follow-logs.ts';
import { ApiClient } from '../../http/client.ts';
import { findEndpoint } from '../../http/endpoint.ts';
import { bold, dim, print, printJson, red } from '../../output/style.ts';

interface LogsOptions {
  readonly follow?: true;
  readonly execution?: string;
  readonly shell?: string;
  readonly json?: true;
}

export const devboxLogsCommand = (): Command =>
  new Command('logs')
    .description('show what ran in a box and what it said')
    .argument('<devbox>', 'id or name of the box')
    .option('-f, --follow', 'go on with what is added')
    .option('--execution <id>', 'only this execution')
    .option('--shell <name>', 'only this named shell')
    .option('--json', 'as JSON (with --follow one object a line)')
    .addHelpText('after', '\nExamples:\n  ./berth devbox logs dbx_…\n  ./berth devbox logs dbx_… -f')
    .action(async (word: string, options: LogsOptions) => {
      const client = new ApiClient(findEndpoint());
      const id = await findDevbox(client, word);
      const query = { execution_id: options.execution, shell_name: options.shell };
      if (options.follow) {
        await followLogs(client, id, query, (entry) => print(options.json ? JSON.stringify(entry) : entryLine(entry)));
        return;
      }
      const { logs } = await client.json<{ logs: LogEntryView[] }>(
        'GET',
        `/v1/devboxes/${encodeURIComponent(id)}/logs`,
        { query },
      );
      if (options.json) {
        printJson(logs);
      } else {
        for (const entry of logs) {
          print(entryLine(entry));
        }
      }
    });

const entryLine = (entry: LogEntryView): string => {
  const time = dim(new Date(entry.timestamp_ms).toISOString().slice(11, 23));
  if (entry.cmd !== undefined) {
    return `${time} ${bold(`$ ${entry.cmd}`)}`;
  }
  if (entry.exit_code !== undefined) {
    return `${time} ${entry.exit_code === 0 ? dim('exit 0') : red(`exit ${entry.exit_code}`)}`;
  }
  return `${time} ${entry.message ?? ''}`;
};
