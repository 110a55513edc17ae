import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { Command } from 'commander';
import { blueprintSource } from '../blueprints/blueprint.ts';
import type { DevboxWish } from '../devboxes/lifecycle.ts';
import { ApiClient } from '../http/client.ts';
import { findEndpoint } from '../http/endpoint.ts';
import { formatBytes } from '../output/quantities.ts';
import { whenReaderGoes } from '../output/reader-gone.ts';
import { dim, print, printJson, remark } from '../output/style.ts';
import { type Agent, readAgent } from '../run/agent.ts';
import { type AttemptReport, boxPlaces } from '../run/attempt.ts';
import { type Package, Packer } from '../run/pack.ts';
import { startRunView } from '../run/progress-view.ts';
import { type AgentKeys, keysFor, readReadyMade } from '../run/ready-made-agent.ts';
import { allSucceeded, reportJson, runTable } from '../run/report.ts';
import { runBoxes, runLabel } from '../run/run-boxes.ts';
import { saveResults } from '../run/save-results.ts';
import { findSnapshot } from '../snapshots/find-snapshot.ts';
import { addLaunchOptions, type LaunchOptions, launchParametersOf } from './launch-options.ts';
import { parseCount } from './logs.ts';
import { collect, collectPair, durationOption } from './options.ts';
import { runHelp } from './run-help.ts';

export interface RunOptions extends LaunchOptions {
  readonly agent: string;
  readonly repo?: readonly string[];
  readonly boxes: number;
  readonly parallel: number;
  readonly env?: Readonly<Record<string, string>>;
  readonly secret?: Readonly<Record<string, string>>;
  readonly result?: string;
  readonly output?: string;
  readonly timeout?: number;
  readonly keep?: true;
  readonly verbose?: true;
  readonly json?: true;
}

/** Boxes of a run outlive its bound by this much, should the command line be killed. */
const spareLifeSeconds = 600;
const unboundedLifeSeconds = 6 * 3_600;
const interruptedStatus = 130;

export const runCommand = (): Command =>
  addLaunchOptions(
    new Command('run')
      .description('let an agent work on a task, each time in a box of its own, and collect the results')
      .argument('[task...]', 'what to do, as text')
      .requiredOption(
        '-a, --agent <name|dir|command>',
        'an agent that comes with Berth, a directory, or a line of bash',
      )
      .option('-r, --repo <dir|git url>', 'what to work on; may be repeated: one box for each', collect)
      .option('-n, --boxes <count>', 'boxes for each repository', parseCount, 1)
      .option('--parallel <count>', 'boxes at once', parseCount, 32),
  )
    .option('-e, --env <NAME=VALUE>', 'environment variable; may be repeated', collectPair)
    .option('--secret <ENV=NAME>', 'stored secret NAME as variable ENV; may be repeated', collectPair)
    .option('--timeout <duration>', "bound of the agent's time: 90s, 10m, 2h", durationOption)
    .option('--result <path>', 'result file in the box', undefined)
    .option('-o, --output <dir>', 'also write each result into this directory')
    .option('--keep', 'leave the boxes running')
    .option('-v, --verbose', 'show everything the agents print')
    .option('--json', 'print the report as JSON')
    .addHelpText('after', runHelp)
    .action(async (task: string[], options: RunOptions) => {
      const { reports, interrupted } = await performRun(task.join(' '), options);
      if (options.json) {
        printJson(reports.map(reportJson));
      } else {
        print(runTable(reports));
      }
      process.exitCode = interrupted ? interruptedStatus : allSucceeded(reports) ? 0 : 1;
    });

/** Does the whole run: packs, works in all boxes, ends them. Ctrl-C, or a reader of its output that goes away, ends it early, with the boxes shut down all the same. */
export const performRun = async (
  task: string,
  options: RunOptions,
): Promise<{ readonly reports: AttemptReport[]; readonly interrupted: boolean }> => {
  const packer = new Packer();
  try {
    return await performPackedRun(task, options, packer);
  } finally {
    packer[Symbol.dispose]();
  }
};

const performPackedRun = async (
  task: string,
  options: RunOptions,
  packer: Packer,
): Promise<{ readonly reports: AttemptReport[]; readonly interrupted: boolean }> => {
  const client = new ApiClient(findEndpoint());
  const agent = existsSync(options.agent)
    ? readAgent(options.agent)
    : ((await readReadyMade(client, options.agent)) ?? readAgent(options.agent));
  const keys = await keysOf(client, agent, options);
  const from =
    options.from === undefined
      ? blueprintSource(options.blueprint)
      : { snapshot_id: await findSnapshot(client, options.from) };
  const agentPackage = agent.directory === undefined ? undefined : await packer.packDirectory(agent.directory);
  const sources = await Promise.all((options.repo ?? []).map((source) => packer.packRepository(source)));
  const repositories = (sources.length === 0 ? [undefined] : sources).flatMap((source) =>
    Array.from({ length: options.boxes }, () => source),
  );
  tellPlan(agent, sources, repositories.length);

  const resultPath = options.result ?? agent.result ?? boxPlaces.result;
  const interrupt = new AbortController();
  const onSignal = (): void => interrupt.abort(new Error('interrupted'));
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  const stopWatching = whenReaderGoes(onSignal);
  const view = startRunView(
    repositories.map((source, index) => boxName(source, index, options.boxes)),
    options.verbose ?? false,
  );
  const reports = await runBoxes(
    {
      client,
      agent,
      agentPackage,
      wish: { ...wishOf(task, options, agent, keys, resultPath, sources.length > 0), ...from },
      resultPath,
      timeoutMs: options.timeout === undefined ? undefined : options.timeout * 1_000,
      keepBoxes: options.keep ?? false,
      interrupt: interrupt.signal,
    },
    repositories,
    options.parallel,
    view.listener,
  );
  view.end();
  process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
  stopWatching();
  if (options.output !== undefined) {
    saveResults(options.output, reports);
  }
  return { reports, interrupted: interrupt.signal.aborted };
};

const tellPlan = (agent: Agent, sources: readonly Package[], boxes: number): void => {
  const sizeBytes = sources.reduce((sum, source) => sum + source.sizeBytes, 0);
  const what =
    sources.length === 0
      ? ''
      : `, ${sources.length} ${sources.length === 1 ? 'repository' : 'repositories'} (${formatBytes(sizeBytes)})`;
  remark(dim(`agent ${agent.name}, ${boxes} ${boxes === 1 ? 'box' : 'boxes'}${what}`));
};

const boxName = (source: Package | undefined, index: number, each: number): string =>
  source === undefined ? `box ${index + 1}` : each === 1 ? source.name : `${source.name} ${(index % each) + 1}`;

const keysOf = async (client: ApiClient, agent: Agent, options: RunOptions): Promise<AgentKeys> =>
  agent.readyMade === undefined
    ? { environment: {}, secrets: {} }
    : keysFor(client, agent.readyMade, new Set(Object.keys({ ...options.env, ...options.secret })), process.env);

const wishOf = (
  task: string,
  options: RunOptions,
  agent: Agent,
  keys: AgentKeys,
  resultPath: string,
  hasRepository: boolean,
): DevboxWish => ({
  name: `run ${agent.name}`.slice(0, 100),
  metadata: { [runLabel]: randomUUID() },
  environment_variables: {
    ...keys.environment,
    ...options.env,
    BERTH_TASK: task,
    BERTH_RESULT: resultPath,
    BERTH_REPO: hasRepository ? boxPlaces.repository : boxPlaces.home,
    ...(agent.directory === undefined ? {} : { BERTH_AGENT: boxPlaces.agent }),
  },
  ...(agent.mount === undefined ? {} : { mounts: [agent.mount] }),
  secrets: { ...keys.secrets, ...options.secret },
  launch_parameters: {
    ...launchParametersOf(options),
    keep_alive_time_seconds: Math.ceil(
      options.timeout === undefined ? unboundedLifeSeconds : options.timeout + spareLifeSeconds,
    ),
  },
});
