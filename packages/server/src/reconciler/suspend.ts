import { type BoxState, HostError } from '@berth/host/contract';
import { type Devbox, mishapOf } from '../devboxes/devbox.ts';
import type { Transition } from '../devboxes/transition.ts';
import { asleep } from './asleep.ts';
import { coldHint, stopped } from './causes.ts';
import type { StepParts } from './parts.ts';
import { maySucceedLater, problemOf } from './retries.ts';
import { run } from './run.ts';
import { runSuspendCommands } from './suspend-commands.ts';

/** The suspension did not come about. A box that runs on is `running` again and says why; one that died meanwhile has failed. */
const settleAfterFailure = async (parts: StepParts, box: Devbox, problem: string): Promise<Devbox | undefined> => {
  const state = await parts.host.inspect(box.id);
  switch (state?.phase) {
    case 'running':
      return run(parts, box, { detail: `the devbox was not suspended: ${problem}` });
    case 'suspended':
      return parts.transitions.apply(box.id, asleepAs(parts, box, state));
    case 'starting':
    case 'suspending':
      throw new HostError('internal', `the box is ${state.phase}`, { retryable: true });
    default:
      return parts.transitions.apply(box.id, stopped(state));
  }
};

/** → `suspended`, as the host says. Memory that was to be kept and is lost stays wanted: a resume must not start the box from its disk without a word. */
const asleepAs = (parts: StepParts, box: Devbox, state: BoxState): Extract<Transition, { to: 'suspended' }> => {
  const hasMemory = state.hasMemory === true;
  if (!box.withMemory || hasMemory) {
    // A start that went wrong may be why the box is being suspended; or it died before all that it had written was on its disk.
    const mishap = mishapOf(box) ?? (hasMemory || state.cause === undefined ? undefined : stopped(state));
    return { ...asleep(parts, hasMemory), ...(mishap === undefined ? {} : { mishap }) };
  }
  const { reason, detail } = stopped(state);
  return { ...asleep(parts, true), mishap: { reason, detail: `the devbox lost its memory: ${detail}; ${coldHint}` } };
};

/** `suspending` → `suspended`; or `running` when its memory could not be kept. Safe to repeat: the host leaves a suspended box as it is. */
export const suspend = async (
  parts: StepParts,
  box: Devbox,
  signal: AbortSignal,
  attempt: number,
): Promise<Devbox | undefined> => {
  const hasCommands = box.hooksUntilMs !== null && (await parts.host.inspect(box.id))?.phase === 'running';
  const problems = hasCommands ? await runSuspendCommands(parts, box, signal) : [];
  try {
    const state = await parts.host.suspend(box.id, { memory: box.withMemory });
    const slept = asleepAs(parts, box, state);
    const told = slept.mishap === undefined ? problems : [...problems, slept.mishap.detail];
    return parts.transitions.apply(box.id, { ...slept, ...(told.length === 0 ? {} : { detail: told.join('; ') }) });
  } catch (error) {
    if (maySucceedLater(error, attempt)) {
      throw error;
    }
    return settleAfterFailure(parts, box, problemOf(error));
  }
};

/** A suspended box: is its disk still there, and nothing else? */
export const superviseSuspended = async (parts: StepParts, box: Devbox): Promise<Devbox | undefined> => {
  const state = await parts.host.inspect(box.id);
  switch (state?.phase) {
    case 'suspended':
      return box;
    case 'running':
    case 'starting':
    case 'suspending':
      // A resume that was given up came about all the same.
      await parts.host.suspend(box.id, { memory: box.withMemory });
      return box;
    default:
      return parts.transitions.apply(box.id, stopped(state));
  }
};
