import { Command } from 'commander';
import { blueprintLogs, findBlueprint, getBlueprint } from '../../blueprints/blueprint.ts';
import { BuildText } from '../../blueprints/build-text.ts';
import { buildHasEnded, followBuildLog } from '../../blueprints/follow-build.ts';
import { ApiClient } from '../../http/client.ts';
import { findEndpoint } from '../../http/endpoint.ts';
import { print, printJson } from '../../output/style.ts';

interface LogsOptions {
  readonly follow?: true;
  readonly json?: true;
}

export const blueprintLogsCommand = (): Command =>
  new Command('logs')
    .description('show the log of a build, each step with the time it took')
    .argument('<blueprint>', 'its id, or its name: the newest of several')
    .option('-f, --follow', 'go on until the build has ended')
    .option('--json', 'as JSON (with --follow one object a line)')
    .addHelpText('after', '\nExamples:\n  ./berth blueprint logs reviewer\n  ./berth blueprint logs bpt_… --follow')
    .action(async (word: string, options: LogsOptions) => {
      const client = new ApiClient(findEndpoint());
      const id = await findBlueprint(client, word, 'newest');
      const text = new BuildText();
      const show = (lines: readonly string[]): void => {
        for (const line of lines) {
          print(line);
        }
      };
      if (options.follow) {
        await followBuildLog(client, id, (line) =>
          options.json ? print(JSON.stringify(line)) : show(text.lines(line)),
        );
      } else {
        const logs = await blueprintLogs(client, id);
        if (options.json) {
          printJson(logs);
          return;
        }
        for (const log of logs) {
          show(text.lines(log));
        }
      }
      const blueprint = await getBlueprint(client, id);
      if (!options.json && buildHasEnded(blueprint) && blueprint.build_finish_time_ms !== null) {
        show(text.end(blueprint.build_finish_time_ms));
      }
    });
