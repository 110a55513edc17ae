import { Command } from 'commander';
import { findEndpoint } from '../http/endpoint.ts';
import { print, printJson } from '../output/style.ts';

export const envCommand = (): Command =>
  new Command('env')
    .description('print the variables by which Runloop clients find this Berth')
    .option('--json', 'as JSON')
    .addHelpText('after', '\nExamples:\n  eval "$(./berth env)"\n  ./berth env --json')
    .action((options: { json?: true }) => {
      const { baseUrl, apiKey } = findEndpoint({ local: true });
      if (options.json) {
        printJson({ RUNLOOP_BASE_URL: baseUrl, RUNLOOP_API_KEY: apiKey });
        return;
      }
      print(`export RUNLOOP_BASE_URL=${quoted(baseUrl)}`);
      print(`export RUNLOOP_API_KEY=${quoted(apiKey)}`);
    });

/** A word that a shell reads as this very text. */
export const quoted = (text: string): string =>
  /^[A-Za-z0-9_./:@%+=-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
