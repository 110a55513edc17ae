import type { ExecutionView } from '@berth/host/contract';
import type { Devbox } from '../devboxes/devbox.ts';
import { endText } from './causes.ts';
import type { StepParts } from './parts.ts';
import { suspendExecutionId } from './platform-executions.ts';

const quotedLines = 10;

const succeeded = (view: ExecutionView): boolean => view.end?.kind === 'exited' && view.end.code === 0;

/**
 * Runs the suspend commands one after another, within the time they have together (API §3.6). What fails, or takes too long and is killed,
 * is told and does not keep the box from being suspended. A server killed meanwhile finds what it had begun. Answers with what went wrong.
 */
export const runSuspendCommands = async (
  parts: StepParts,
  box: Devbox,
  signal: AbortSignal,
): Promise<readonly string[]> => {
  const problems: string[] = [];
  if (box.hooksUntilMs === null) {
    return problems;
  }
  const commands = box.launchParameters.lifecycle?.lifecycle_hooks?.suspend_commands ?? [];
  for (const [index, command] of commands.entries()) {
    const leftMs = box.hooksUntilMs - (await parts.store.nowMs());
    if (leftMs <= 0) {
      problems.push(`no time was left for suspend command ${index + 1}`);
      break;
    }
    const executionId = suspendExecutionId(box, index);
    const spec = { executionId, origin: 'setup_commands', command } as const;
    const view = await parts.host.executeAndWait(box.id, spec, { timeoutMs: leftMs, lastLines: quotedLines }, signal);
    signal.throwIfAborted();
    if (view.status !== 'completed') {
      await parts.host.kill(box.id, executionId, { processGroup: true });
      problems.push(`suspend command ${index + 1} took too long and was killed`);
      break;
    }
    if (!succeeded(view)) {
      problems.push(`suspend command ${index + 1} ${endText(view)}`);
    }
  }
  return problems;
};
