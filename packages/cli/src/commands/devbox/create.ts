import { Command } from 'commander';
import { createDevbox, type DevboxWish, untilRunning } from '../../devboxes/lifecycle.ts';
import { ApiClient } from '../../http/client.ts';
import { findEndpoint } from '../../http/endpoint.ts';
import { formatDuration } from '../../output/quantities.ts';
import { dim, print, printJson, remark } from '../../output/style.ts';
import { collectPair, durationOption, sizeOption, sizes } from '../options.ts';

interface CreateOptions {
  readonly name?: string;
  readonly size?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly secret?: Readonly<Record<string, string>>;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly entrypoint?: string;
  readonly keepAlive?: number;
  readonly root?: true;
  readonly wait: boolean;
  readonly json?: true;
}

const examples = `
Sizes: ${Object.entries(sizes)
  .map(([name, means]) => `${name} (${means})`)
  .join(', ')}

Examples:
  ./berth devbox create --name try
  ./berth devbox create --size LARGE --env STAGE=test --secret TOKEN=my-secret
  box=$(./berth devbox create) && ./berth devbox exec "$box" -- uname -a`;

export const createCommand = (): Command =>
  new Command('create')
    .description('make a box, wait until it runs, print its id')
    .option('--name <name>', 'a name for people')
    .option('--size <size>', 'how large (SMALL)', sizeOption)
    .option('-e, --env <NAME=VALUE>', 'environment variable; may be repeated', collectPair)
    .option('--secret <ENV=NAME>', 'stored secret NAME as variable ENV; may be repeated', collectPair)
    .option('--metadata <KEY=VALUE>', 'label; may be repeated', collectPair)
    .option('--entrypoint <command>', "the box's main process; the box ends with it")
    .option('--keep-alive <duration>', 'lifetime: 90s, 30m, 2h (1h)', durationOption)
    .option('--root', 'commands run as root instead of user')
    .option('--no-wait', 'do not wait until it runs')
    .option('--json', 'print the whole view')
    .addHelpText('after', examples)
    .action(async (options: CreateOptions) => {
      const client = new ApiClient(findEndpoint());
      const begin = performance.now();
      const created = await createDevbox(client, wishOf(options));
      const devbox = options.wait ? await untilRunning(client, created.id) : created;
      if (options.json) {
        printJson(devbox);
      } else {
        if (options.wait) {
          remark(dim(`running after ${formatDuration(performance.now() - begin)}`));
        }
        print(devbox.id);
      }
    });

const wishOf = (options: CreateOptions): DevboxWish => {
  const launch = {
    ...(options.size === undefined ? {} : { resource_size_request: options.size }),
    ...(options.keepAlive === undefined ? {} : { keep_alive_time_seconds: options.keepAlive }),
    ...(options.root ? { user_parameters: { username: 'root', uid: 0 } } : {}),
  };
  return {
    ...(options.name === undefined ? {} : { name: options.name }),
    ...(options.metadata === undefined ? {} : { metadata: options.metadata }),
    ...(options.env === undefined ? {} : { environment_variables: options.env }),
    ...(options.secret === undefined ? {} : { secrets: options.secret }),
    ...(options.entrypoint === undefined ? {} : { entrypoint: options.entrypoint }),
    launch_parameters: launch,
  };
};
