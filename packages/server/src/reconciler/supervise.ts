import { type BoxPhase, type BoxState, HostError } from '@berth/host/contract';
import type { Devbox } from '../devboxes/devbox.ts';
import { entrypointEnd, stopped } from './causes.ts';
import type { StepParts } from './parts.ts';
import { entrypointExecutionId } from './platform-executions.ts';

const presentPhases: ReadonlySet<string> = new Set<BoxPhase>(['running', 'starting']);

const isAsleep = (state: BoxState | undefined): boolean =>
  state?.phase === 'suspended' || state?.phase === 'suspending';

/** Compares a box that should answer with what the host says. True when it is there. */
export const checkPresence = async (parts: StepParts, box: Devbox): Promise<boolean> => {
  const state = await parts.host.inspect(box.id);
  if (state !== undefined && presentPhases.has(state.phase)) {
    return true;
  }
  if (isAsleep(state) && box.status === 'suspending') {
    return true;
  }
  if (isAsleep(state)) {
    // A suspension that was given up came about all the same.
    await parts.transitions.apply(box.id, { to: 'suspending', memory: state?.hasMemory === true, hooksMs: null });
  } else {
    await parts.transitions.apply(box.id, stopped(state));
  }
  return false;
};

/** Whether a main process was started in the box. In a fork with memory it came along, as a process that no execution stands for. */
const hasEntrypoint = (box: Devbox): boolean =>
  box.wish.entrypoint !== undefined && !(box.image?.memory === true && box.restarts === 0);

/** A running box: still there? has its main process ended? Answers with the box when nothing has changed, or as the change left it. */
export const supervise = async (parts: StepParts, box: Devbox): Promise<Devbox | undefined> => {
  if (!(await checkPresence(parts, box))) {
    return undefined;
  }
  if (!hasEntrypoint(box)) {
    return box;
  }
  try {
    const view = await parts.host.execution(box.id, entrypointExecutionId(box), 0);
    return view.status === 'completed' ? parts.transitions.apply(box.id, entrypointEnd(view)) : box;
  } catch (error) {
    if (!(error instanceof HostError) || error.code !== 'executionNotFound') {
      throw error;
    }
    const detail = 'host lost: the host no longer knows the entrypoint';
    return parts.transitions.apply(box.id, { to: 'failure', reason: 'health_check_failed', detail });
  }
};

/** Ends what is left of a box. Repeated until it succeeds. */
export const release = async (parts: StepParts, box: Devbox): Promise<void> => {
  if (box.hostState === 'absent' || box.hostState === 'forgotten') {
    return;
  }
  if (box.hostState === 'destroyed') {
    const state = await parts.host.inspect(box.id);
    if (state === undefined || state.phase === 'destroyed') {
      return;
    }
  }
  // What is still on its way to the host must not come after the end.
  await parts.births.take(box.id)?.catch(() => undefined);
  await parts.host.destroy(box.id);
  await parts.store.markDestroyed(box.id);
  parts.onReleased({ ...box, revision: box.revision + 1 });
};

/** Ends a box of the host that no row stands for. */
export const releaseOrphan = async (parts: StepParts, id: string): Promise<void> => {
  parts.log.warn({ devboxId: id }, 'the host has a devbox that the database does not know: removing it');
  await parts.host.destroy(id);
  await parts.host.forget(id);
};

/** Whether an error says that the box is not there to do as it is told. */
export const saysBoxIsGone = (error: unknown): boolean =>
  error instanceof HostError && (error.code === 'boxNotFound' || error.code === 'boxNotRunning');
