import { Command } from 'commander';
import { getDevbox } from '../../devboxes/lifecycle.ts';
import { endReason, statusText } from '../../devboxes/view.ts';
import { ApiClient } from '../../http/client.ts';
import { findEndpoint } from '../../http/endpoint.ts';
import { bold, print, printJson } from '../../output/style.ts';

export const getCommand = (): Command =>
  new Command('get')
    .description('show one box')
    .argument('<devbox>', 'its id')
    .option('--json', 'the whole view as JSON')
    .addHelpText('after', '\nExample:\n  ./berth devbox get dbx_… --json')
    .action(async (id: string, options: { json?: true }) => {
      const devbox = await getDevbox(new ApiClient(findEndpoint()), id);
      if (options.json) {
        printJson(devbox);
        return;
      }
      print(`${bold(devbox.id)} ${devbox.name ?? ''}`.trimEnd());
      print(`status    ${statusText(devbox.status)} ${endReason(devbox)}`.trimEnd());
      print(`created   ${new Date(devbox.create_time_ms).toISOString()}`);
      for (const [key, value] of Object.entries(devbox.metadata)) {
        print(`metadata  ${key}=${value}`);
      }
      for (const transition of devbox.state_transitions) {
        print(`          ${new Date(transition.transition_time_ms).toISOString()} ${transition.status}`);
      }
    });
