import { availableParallelism } from 'node:os';
import type { Devbox } from '@runloop/api-client';
import { Agent, asItIs, changes, fileMounts, type Trial } from './agent.ts';
import { atOnce } from './at-once.ts';
import { Boxes, isolationOf } from './boxes.ts';
import { type Options, readOptions } from './options.ts';
import { type Attempt, bestOf, bold, dim, duration, green, table } from './telling.ts';

/** What `--json` prints. */
interface Report {
  readonly isolation: string;
  /** Whether the copies went on with the running processes. */
  readonly memory: boolean;
  readonly prepareMs: number;
  /** From the call until all copies ran. */
  readonly forkMs: number;
  /** What it took to start each copy's agent and service again; 0 where they came along. */
  readonly wakeMs: number;
  readonly source: Trial;
  readonly attempts: ReadonlyArray<Trial & { readonly devboxId: string }>;
  readonly snapshotId: string;
  /** The box that was started from the snapshot, with the winner's engine as it came. */
  readonly proof: Trial;
}

const main = async (options: Options): Promise<Report> => {
  const boxes = new Boxes();
  process.once('SIGINT', () => void boxes.end().finally(() => process.exit(130)));
  try {
    return await liveFork(boxes, options);
  } finally {
    if (!options.keep) {
      await boxes.end();
    }
  }
};

const liveFork = async (boxes: Boxes, options: Options): Promise<Report> => {
  const say = options.json
    ? (text: string) => process.stderr.write(`${text}\n`)
    : (text: string) => process.stdout.write(`${text}\n`);
  const agent = new Agent(options.small);
  const launch = { isolation: options.isolation, resource_size_request: 'SMALL' as const };

  say(bold('1. An agent prepares a project: a search service that is too slow'));
  const begin = performance.now();
  const source = await boxes.create({ name: 'live-fork', file_mounts: fileMounts(), launch_parameters: launch });
  const isolation = await isolationOf(source);
  say(dim(`   box ${source.id}, isolation ${isolation}`));
  await agent.prepare(source, (lines) => say(lines.trimEnd().replaceAll(/^/gm, '   ')));
  const prepareMs = performance.now() - begin;

  const ideas = changes().slice(0, options.forks);
  say(bold(`\n2. It is forked live into ${ideas.length}`));
  const { copies, memory, forkMs } = await fork(boxes, source, ideas.length, isolation === 'gvisor', say);
  say(
    `   all ${copies.length} run ${duration(forkMs)} after the call${memory ? ', each with the agent and its warm service in memory' : ''}`,
  );
  const wakeMs = memory ? 0 : await wakeAll(agent, copies, say);

  say(bold('\n3. Each tries another change, tests it, and measures it against the engine as it was'));
  const trials = await atOnce([source, ...copies], availableParallelism(), (box, place) =>
    tryOne(agent, box, ideas[place - 1] ?? asItIs, say),
  );
  const [control, ...attempts] = trials;
  const best = bestOf(attempts);
  say(`\n${table(trials, best)}`);
  if (control === undefined || best === undefined) {
    throw new Error('no change got through its tests');
  }
  say(dim(`\n   ${sameAgent(trials, memory, prepareMs)}`));

  say(bold('\n4. The disk of the best becomes a snapshot, and a new box starts from it'));
  const snapshot = await best.box.snapshotDisk({
    name: `live-fork ${new Date().toISOString().slice(0, 19)}`,
    commit_message: best.trial.title ?? best.trial.change,
    metadata: { example: 'live-fork', change: best.trial.change },
  });
  const last = await boxes.create({ name: 'live-fork proof', snapshot_id: snapshot.id, launch_parameters: launch });
  await agent.wake(last);
  const proof = await agent.choose(last, asItIs);
  if (proof.engine !== best.trial.engine || proof.problem) {
    throw new Error(
      `the box from snapshot ${snapshot.id} is not what the best one was: ${proof.problem ?? proof.engine}`,
    );
  }
  say(
    `   ${green('✓')} box ${last.id} has the same engine (${proof.engine?.slice(0, 12)}…), its tests are green, and it is ${proof.factor?.toFixed(2)} × as fast`,
  );
  say(`\nYours to keep: ./berth devbox create --from ${snapshot.id}`);
  say(dim(`or to forget:  ./berth snapshot delete ${snapshot.id}`));
  return {
    isolation,
    memory,
    prepareMs,
    forkMs,
    wakeMs,
    source: control.trial,
    attempts: attempts.map(({ box, trial }) => ({ ...trial, devboxId: box.id })),
    snapshotId: snapshot.id,
    proof,
  };
};

/** Forks with the running processes where the grade can, and says so where it turns out that this host cannot. */
const fork = async (
  boxes: Boxes,
  source: Devbox,
  count: number,
  memory: boolean,
  say: (text: string) => void,
): Promise<{ readonly copies: readonly Devbox[]; readonly memory: boolean; readonly forkMs: number }> => {
  const begin = performance.now();
  try {
    const copies = await boxes.fork(source, count, memory);
    return { copies, memory, forkMs: performance.now() - begin };
  } catch (error) {
    if (!memory) {
      throw error;
    }
    say(`   this host cannot copy running processes: ${error instanceof Error ? error.message : String(error)}`);
    return fork(boxes, source, count, false, say);
  }
};

/** Where only the disk was copied, each copy has to do again what was in memory. */
const wakeAll = async (agent: Agent, copies: readonly Devbox[], say: (text: string) => void): Promise<number> => {
  say('   The disk alone is copied: each copy starts its service again, and reads and indexes the whole library.');
  const begin = performance.now();
  await atOnce(copies, availableParallelism(), (copy) => agent.wake(copy));
  const wakeMs = performance.now() - begin;
  say(`   that took ${duration(wakeMs)}; where processes come along (--isolation gvisor), it takes no time`);
  return wakeMs;
};

const tryOne = async (agent: Agent, box: Devbox, change: string, say: (text: string) => void): Promise<Attempt> => {
  const trial = await agent.choose(box, change);
  say(dim(`   ${change}: ${trial.problem ? 'tests are red' : `${trial.factor?.toFixed(2)} ×`}`));
  return { box, trial };
};

/** Says whether the copies really went on with the processes of the source. */
const sameAgent = (attempts: readonly Attempt[], memory: boolean, prepareMs: number): string => {
  const lives = new Set(attempts.map(({ trial: { agent } }) => `${agent?.pid} ${agent?.service} ${agent?.begun}`));
  const one = attempts[0]?.trial.agent;
  if (lives.size === 1 && one !== undefined) {
    const since = new Date(one.begun * 1_000).toISOString().slice(11, 19);
    return `One agent did all of this: process ${one.pid} (service ${one.service}), at work since ${since}; ${duration(prepareMs)} of preparation were spent once.`;
  }
  if (memory) {
    throw new Error(`the copies did not go on with the source's processes: ${[...lives].join(', ')}`);
  }
  return 'Each copy had an agent and a service of its own, started anew from the copied disk.';
};

const chosen = readOptions(process.argv.slice(2));
try {
  const report = await main(chosen);
  if (chosen.json) {
    process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
  }
} catch (error) {
  process.stderr.write(`live-fork: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
