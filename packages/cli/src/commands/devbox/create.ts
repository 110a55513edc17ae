import type { DevboxView } from '@berth/contract';
import { Command } from 'commander';
import { blueprintSource } from '../../blueprints/blueprint.ts';
import { createDevbox, type DevboxWish, shutDownDevbox, untilRunning } from '../../devboxes/lifecycle.ts';
import { ApiClient } from '../../http/client.ts';
import { findEndpoint } from '../../http/endpoint.ts';
import { CommandFailure } from '../../output/failure.ts';
import { formatDuration } from '../../output/quantities.ts';
import { dim, print, printJson, remark } from '../../output/style.ts';
import { whileWaiting } from '../../output/waiting.ts';
import { findSnapshot } from '../../snapshots/find-snapshot.ts';
import {
  addIdleOptions,
  addLaunchOptions,
  type IdleOptions,
  type LaunchOptions,
  launchParametersOf,
} from '../launch-options.ts';
import { collect, collectPair, durationOption, sizes } from '../options.ts';

interface CreateOptions extends LaunchOptions, IdleOptions {
  readonly name?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly secret?: Readonly<Record<string, string>>;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly launch?: readonly string[];
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

Ctrl-C while it starts shuts it down again.

Examples:
  ./berth devbox create --name try
  ./berth devbox create --size LARGE --env STAGE=test --secret TOKEN=my-secret
  ./berth devbox create --from my-snapshot --isolation gvisor
  ./berth devbox create --blueprint reviewer
  ./berth devbox create --name desk --idle 10m --suspend-memory     (resume it with ./berth devbox resume desk)
  box=$(./berth devbox create) && ./berth devbox exec "$box" -- uname -a`;

export const createCommand = (): Command =>
  addIdleOptions(
    addLaunchOptions(
      new Command('create')
        .description('make a box, wait until it runs, print its id')
        .option('--name <name>', 'a name; commands take it in place of the id'),
    ),
  )
    .option('-e, --env <NAME=VALUE>', 'environment variable; may be repeated', collectPair)
    .option('--secret <ENV=NAME>', 'stored secret NAME as variable ENV; may be repeated', collectPair)
    .option('--metadata <KEY=VALUE>', 'label; may be repeated', collectPair)
    .option('--launch <command>', 'run at every start, before it counts as running; may be repeated', collect)
    .option('--entrypoint <command>', "the box's main process; the box ends with it")
    .option('--keep-alive <duration>', 'lifetime: 90s, 30m, 2h (1h)', durationOption)
    .option('--root', 'commands run as root instead of user')
    .option('--no-wait', 'do not wait until it runs')
    .option('--json', 'print the whole view')
    .addHelpText('after', examples)
    .action(async (options: CreateOptions) => {
      if (options.onIdle !== undefined && options.idle === undefined) {
        throw new CommandFailure('--on-idle needs --idle', { hint: 'for example --idle 10m --on-idle suspend' });
      }
      const client = new ApiClient(findEndpoint());
      const begin = performance.now();
      const snapshot = options.from === undefined ? undefined : await findSnapshot(client, options.from);
      const created = await createDevbox(client, wishOf(options, snapshot));
      const devbox = options.wait ? await startedOrGone(client, created.id) : created;
      if (options.json) {
        printJson(devbox);
      } else {
        if (options.wait) {
          remark(dim(`running after ${formatDuration(performance.now() - begin)}`));
        }
        print(devbox.id);
      }
    });

/** Waits until a box runs. Who gives up waiting never learns its id: then it is shut down. */
const startedOrGone = (client: ApiClient, id: string): Promise<DevboxView> =>
  whileWaiting(
    `starting ${id}`,
    async (signal) => {
      try {
        return await untilRunning(client, id, signal);
      } catch (error) {
        if (signal.aborted) {
          await shutDownDevbox(client, id);
        }
        throw error;
      }
    },
    `${id} was shut down`,
  );

const wishOf = (options: CreateOptions, snapshot: string | undefined): DevboxWish => ({
  ...(options.name === undefined ? {} : { name: options.name }),
  ...(snapshot === undefined ? {} : { snapshot_id: snapshot }),
  ...blueprintSource(options.blueprint),
  ...(options.metadata === undefined ? {} : { metadata: options.metadata }),
  ...(options.env === undefined ? {} : { environment_variables: options.env }),
  ...(options.secret === undefined ? {} : { secrets: options.secret }),
  ...(options.entrypoint === undefined ? {} : { entrypoint: options.entrypoint }),
  launch_parameters: {
    ...launchParametersOf(options),
    ...(options.launch === undefined ? {} : { launch_commands: options.launch }),
    ...(options.keepAlive === undefined ? {} : { keep_alive_time_seconds: options.keepAlive }),
    ...(options.root ? { user_parameters: { username: 'root', uid: 0 } } : {}),
  },
});
