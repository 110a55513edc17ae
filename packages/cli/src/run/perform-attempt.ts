import { createReadStream } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { quoted } from '../commands/env.ts';
import { followOutput, killExecution, startExecution, untilCompleted } from '../devboxes/execution.ts';
import { createDevbox, shutDownDevbox, untilRunning } from '../devboxes/lifecycle.ts';
import { runQuietly } from '../devboxes/quiet-execution.ts';
import { placeArchive } from '../devboxes/upload.ts';
import { type AttemptListener, type AttemptReport, boxPlaces, outcomeOf, type RunPlan } from './attempt.ts';
import type { Package } from './pack.ts';
import { readResult } from './result.ts';

type Progress = { -readonly [Key in keyof AttemptReport]?: AttemptReport[Key] };

/** Does the work in one box, from its creation to its end. Never rejects: what goes wrong is part of the report. */
export const performAttempt = async (
  plan: RunPlan,
  index: number,
  repository: Package | undefined,
  listener: AttemptListener,
): Promise<AttemptReport> => {
  const progress: Progress = repository === undefined ? {} : { repository: repository.name };
  try {
    Object.assign(progress, await workInBox(plan, repository, progress, listener));
  } catch (error) {
    progress.outcome = plan.interrupt.aborted ? 'interrupted' : 'box_failed';
    progress.problem = error instanceof Error ? error.message : String(error);
  } finally {
    if (progress.devboxId !== undefined && !plan.keepBoxes) {
      await shutDownDevbox(plan.client, progress.devboxId).catch((error: unknown) => {
        progress.problem = `${progress.problem ?? ''} shutdown failed: ${error}`.trim();
      });
    }
  }
  const report: AttemptReport = { ...progress, index, outcome: progress.outcome ?? 'box_failed' };
  listener.phase(
    report.outcome === 'exited' ? `exit ${report.exitStatus}` : `${report.outcome} ${report.problem ?? ''}`,
  );
  return report;
};

const workInBox = async (
  plan: RunPlan,
  repository: Package | undefined,
  progress: Progress,
  listener: AttemptListener,
): Promise<Pick<AttemptReport, 'outcome'> & Partial<AttemptReport>> => {
  const { client, agent, interrupt } = plan;
  const begin = performance.now();
  listener.phase('starting');
  const { id } = await createDevbox(client, plan.wish, interrupt);
  progress.devboxId = id;
  await untilRunning(client, id, interrupt);
  progress.startMs = Math.round(performance.now() - begin);

  listener.phase('placing files');
  const [repositoryHome] = await Promise.all([
    repository === undefined ? boxPlaces.home : place(plan, id, boxPlaces.repository, repository),
    plan.agentPackage === undefined ? undefined : place(plan, id, boxPlaces.agent, plan.agentPackage),
  ]);
  interrupt.throwIfAborted();
  if (agent.setup !== undefined) {
    listener.phase('setting up the agent');
    const home = plan.agentPackage === undefined ? boxPlaces.home : boxPlaces.agent;
    const setup = await runQuietly(client, id, `cd ${quoted(home)} && { ${agent.setup}\n}`);
    if (setup.exit_status !== 0) {
      return { outcome: 'setup_failed', problem: (setup.stderr || setup.stdout).trim().split('\n').at(-1) ?? '' };
    }
  }
  interrupt.throwIfAborted();
  listener.phase('working');
  const ended = await runAgent(plan, id, `cd ${quoted(repositoryHome)} && { ${agent.run}\n}`, listener);
  const result = await readResult(client, id, plan.resultPath);
  return result === undefined ? ended : { ...ended, result };
};

const place = async (plan: RunPlan, devbox: string, target: string, what: Package): Promise<string> => {
  await placeArchive(plan.client, devbox, target, createReadStream(what.archive));
  return target;
};

/** Runs the agent's command with its output told as it comes; ended by time-out or interrupt where it does not end by itself. */
const runAgent = async (
  { client, timeoutMs, interrupt }: RunPlan,
  devbox: string,
  command: string,
  listener: AttemptListener,
): Promise<Pick<AttemptReport, 'outcome' | 'runMs'>> => {
  const begin = performance.now();
  const { execution_id: id } = await startExecution(client, devbox, { command });
  const done = new AbortController();
  let forced: 'timeout' | 'interrupted' | undefined;
  const force = (why: 'timeout' | 'interrupted'): void => {
    forced ??= why;
    killExecution(client, devbox, id).catch(() => undefined);
  };
  const onInterrupt = (): void => force('interrupted');
  interrupt.addEventListener('abort', onInterrupt, { once: true });
  if (interrupt.aborted) {
    onInterrupt();
  }
  if (timeoutMs !== undefined) {
    pause(timeoutMs, undefined, { signal: done.signal }).then(
      () => force('timeout'),
      () => undefined,
    );
  }
  try {
    const [execution] = await Promise.all([
      untilCompleted(client, devbox, id),
      followOutput(client, devbox, id, 'stdout', (text) => listener.output('stdout', text)),
      followOutput(client, devbox, id, 'stderr', (text) => listener.output('stderr', text)),
    ]);
    const end = outcomeOf(execution);
    return {
      ...end,
      ...(forced === undefined ? {} : { outcome: forced }),
      runMs: Math.round(performance.now() - begin),
    };
  } finally {
    done.abort();
    interrupt.removeEventListener('abort', onInterrupt);
  }
};
