import { lifetimeMs } from '../devboxes/creation.ts';
import type { Devbox } from '../devboxes/devbox.ts';
import type { Transition } from '../devboxes/transition.ts';
import type { StepParts } from './parts.ts';

/** Whether anything is to be run before the box counts as running. */
export const hasSteps = (box: Devbox): boolean =>
  box.mountsLeft > 0 ||
  box.wish.entrypoint !== undefined ||
  (box.wish.services ?? []).length > 0 ||
  (box.launchParameters.launch_commands ?? []).length > 0;

/** → `running`, with its deadline set. */
export const run = async (
  parts: StepParts,
  box: Devbox,
  more: Pick<Extract<Transition, { to: 'running' }>, 'isolation' | 'detail' | 'isInitialized'> = {},
): Promise<Devbox | undefined> => {
  const lifetime = lifetimeMs(box.launchParameters);
  const running = await parts.transitions.apply(box.id, { to: 'running', lifetimeMs: lifetime, ...more });
  const deadlineMs = box.idleMs ?? lifetime;
  if (deadlineMs !== null) {
    // After a suspension less of the lifetime may be left: the alarm asks the database.
    parts.onDeadline(box.suspensions === 0 ? deadlineMs : 0);
  }
  return running;
};
