import type { ExecutionView } from '@berth/host/contract';
import type { Devbox } from '../devboxes/devbox.ts';
import type { Transition } from '../devboxes/transition.ts';
import { placeMounts } from '../mounts/place-mounts.ts';
import { startServices } from '../sidecars/start-services.ts';
import { backToSleep, launchFailure } from './causes.ts';
import type { StepParts } from './parts.ts';
import { entrypointExecutionId, setupExecutionId } from './platform-executions.ts';
import { run } from './run.ts';
import { checkPresence } from './supervise.ts';

type Failure = Extract<Transition, { to: 'failure' }>;

/** One round of waiting; the wait goes on for as long as the command takes. */
const waitRoundMs = 600_000;
const quotedLines = 10;

/** Starts the launch command, or finds it started by an earlier run of the server, and waits for its end. */
const runLaunchCommand = async (
  parts: StepParts,
  box: Devbox,
  index: number,
  command: string,
  signal: AbortSignal,
): Promise<ExecutionView> => {
  const executionId = setupExecutionId(box, index);
  const wait = { timeoutMs: waitRoundMs, lastLines: quotedLines };
  let view = await parts.host.executeAndWait(box.id, { executionId, origin: 'setup_commands', command }, wait, signal);
  while (view.status !== 'completed') {
    signal.throwIfAborted();
    view = await parts.host.waitExecution(box.id, executionId, { ...wait, until: ['completed'] }, signal);
  }
  return view;
};

/** What a suspended box kept is not lost over what is started in it. */
const fail = (parts: StepParts, box: Devbox, failure: Failure): Promise<Devbox | undefined> =>
  parts.transitions.apply(box.id, box.resume === null ? failure : backToSleep(failure));

/** `initializing` → `running`, or `failure`: mounts, then services, then launch commands one after another, then the entrypoint (API §3.3). */
export const initialize = async (
  parts: StepParts,
  box: Devbox,
  signal: AbortSignal,
  attempt: number,
): Promise<Devbox | undefined> => {
  if (!(await placeMounts(parts, box, signal, attempt))) {
    return undefined;
  }
  const problem = await startServices(parts.host, box, signal, attempt);
  if (problem !== undefined) {
    return fail(parts, box, { to: 'failure', reason: 'execution_failed', detail: problem });
  }
  for (const [index, command] of (box.launchParameters.launch_commands ?? []).entries()) {
    const view = await runLaunchCommand(parts, box, index, command, signal);
    if (view.end?.kind === 'lost' && !(await checkPresence(parts, box))) {
      return undefined;
    }
    if (view.end?.kind !== 'exited' || view.end.code !== 0) {
      return fail(parts, box, launchFailure(index + 1, view));
    }
  }
  if (box.wish.entrypoint !== undefined) {
    const { entrypoint: command } = box.wish;
    await parts.host.execute(box.id, { executionId: entrypointExecutionId(box), origin: 'entrypoint', command });
  }
  return run(parts, box);
};
