import { type ExecutionView, HostError } from '@berth/host/contract';
import type { Devbox } from '../devboxes/devbox.ts';
import { backToSleep, launchFailure } from './causes.ts';
import type { StepParts } from './parts.ts';
import { entrypointExecutionId, setupExecutionId } from './platform-executions.ts';
import { run } from './run.ts';
import { checkPresence } from './supervise.ts';

/** One round of waiting; the wait goes on for as long as the command takes. */
const waitRoundMs = 600_000;
const quotedLines = 10;

async function* oneChunk(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}

/** Mounts belong to the box's user; where that one may not write, root places the file. */
const placeFile = async (parts: StepParts, box: Devbox, path: string, content: string, signal: AbortSignal) => {
  try {
    await parts.host.writeFile(box.id, path, oneChunk(content), { makeParents: true }, signal);
  } catch (error) {
    if (!(error instanceof HostError) || error.code !== 'permissionDenied') {
      throw error;
    }
    await parts.host.writeFile(box.id, path, oneChunk(content), { makeParents: true, user: 'root' }, signal);
  }
};

/** Failures of a file mount that repeating does not heal. */
const fileCodes: ReadonlySet<string> = new Set([
  'fileNotFound',
  'isDirectory',
  'notDirectory',
  'permissionDenied',
  'noSpace',
  'tooLarge',
  'invalidPath',
]);

/** Writes the mounted files once. False when the box has failed over it. */
const placeMounts = async (parts: StepParts, box: Devbox, signal: AbortSignal): Promise<boolean> => {
  const files = box.wish.hasFileMounts ? ((await parts.store.findWithMounts(box.id))?.fileMounts ?? null) : null;
  if (files === null) {
    return true;
  }
  for (const [path, content] of Object.entries(files)) {
    try {
      await placeFile(parts, box, path, content, signal);
    } catch (error) {
      if (!(error instanceof HostError) || !fileCodes.has(error.code)) {
        throw error;
      }
      const reason = error.code === 'noSpace' ? 'out_of_disk' : 'execution_failed';
      await parts.transitions.apply(box.id, {
        to: 'failure',
        reason,
        detail: `file mount ${path}: ${error.message}`,
      });
      return false;
    }
  }
  await parts.store.markMountsPlaced(box.id);
  return true;
};

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
export const initialize = async (parts: StepParts, box: Devbox, signal: AbortSignal): Promise<Devbox | undefined> => {
  if (!(await placeMounts(parts, box, signal))) {
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
