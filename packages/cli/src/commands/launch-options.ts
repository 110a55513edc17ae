import { type Command, Option } from 'commander';
import { durationOption, sizeOption } from './options.ts';

/** How a box is started, as far as several commands let one say it. */
export interface LaunchOptions {
  readonly from?: string;
  readonly blueprint?: string;
  readonly size?: string;
  readonly isolation?: 'auto' | 'container' | 'gvisor';
}

/** When a box is left alone; only where it may live on by itself. */
export interface IdleOptions {
  readonly idle?: number;
  readonly onIdle?: 'suspend' | 'shutdown';
  readonly suspendMemory?: true;
}

export const addLaunchOptions = (command: Command): Command =>
  command
    .option('--from <snapshot>', 'start from this snapshot, by id or name')
    .addOption(
      new Option('--blueprint <blueprint>', 'start from this blueprint, by id, or the newest of its name').conflicts(
        'from',
      ),
    )
    .option('--size <size>', 'how large (SMALL)', sizeOption)
    .addOption(
      new Option('--isolation <grade>', 'how strongly it is isolated; auto is the strongest that works here').choices([
        'auto',
        'container',
        'gvisor',
      ]),
    );

export const addIdleOptions = (command: Command): Command =>
  command
    .option('--idle <duration>', 'act when nothing has used it for so long: 90s, 30m, 2h', durationOption)
    .addOption(
      new Option('--on-idle <act>', 'what to do then (suspend); needs --idle').choices(['suspend', 'shutdown']),
    )
    .option('--suspend-memory', 'a suspension keeps its processes too (gvisor), not only the disk');

/** The part of `launch_parameters` that these options stand for. */
export const launchParametersOf = (options: LaunchOptions & IdleOptions): Readonly<Record<string, unknown>> => ({
  ...(options.size === undefined ? {} : { resource_size_request: options.size }),
  ...(options.isolation === undefined ? {} : { isolation: options.isolation }),
  ...(options.idle === undefined && !options.suspendMemory ? {} : { lifecycle: lifecycleOf(options) }),
});

const lifecycleOf = ({ idle, onIdle = 'suspend', suspendMemory }: IdleOptions): Readonly<Record<string, unknown>> => ({
  ...(idle === undefined ? {} : { after_idle: { idle_time_seconds: idle, on_idle: onIdle } }),
  ...(suspendMemory ? { suspend_memory: true } : {}),
});
