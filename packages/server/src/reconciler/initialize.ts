import type { ExecutionView } from '@berth/host/contract';
import type { Devbox } from '../devboxes/devbox.ts';
import { placeMounts } from '../mounts/place-mounts.ts';
import { backToSleep, launchFailure } from './causes.ts';
import type { StepParts } from './parts.ts';
import { entrypointExecutionId, setupExecutionId } from './platform-executions.ts';
import { run } from './run.ts';
import { checkPresence } from './supervise.ts';

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

/** `initializing` → `running`, or `failure`: mounts, then launch commands one after another, then the entrypoint (API §3.3). */
export const initialize = async (
  parts: StepParts,
  box: Devbox,
  signal: AbortSignal,
  attempt: number,
): Promise<Devbox | undefined> => {
  if (!(await placeMounts(parts, box, signal, attempt))) {
    return undefined;
  }
  for (const [index, command] of (box.launchParameters.launch_commands ?? []).entries()) {
    const view = await runLaunchCommand(parts, box, index, command, signal);
    if (view.end?.kind === 'lost' && !(await checkPresence(parts, box))) {
      return undefined;
    }
    if (view.end?.kind !== 'exited' || view.end.code !== 0) {
      const failure = launchFailure(index + 1, view);
      // What a suspended box kept is not lost over a command.
      return parts.transitions.apply(box.id, box.resume === null ? failure : backToSleep(failure));
    }
  }
  if (box.wish.entrypoint !== undefined) {
    const { entrypoint: command } = box.wish;
    await parts.host.execute(box.id, { executionId: entrypointExecutionId(box), origin: 'entrypoint', command });
  }
  return run(parts, box);
};
