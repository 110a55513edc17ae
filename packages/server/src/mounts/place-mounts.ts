import { HostError } from '@berth/host/contract';
import type { Devbox } from '../devboxes/devbox.ts';
import type { Transition } from '../devboxes/transition.ts';
import type { StepParts } from '../reconciler/parts.ts';
import { mountExecutionId } from '../reconciler/platform-executions.ts';
import { maySucceedLater } from '../reconciler/retries.ts';
import { saysBoxIsGone } from '../reconciler/supervise.ts';
import { MountFailure } from './mount-kind.ts';

type Failure = Extract<Transition, { to: 'failure' }>;

/** Why the box fails over what was thrown; undefined for what may pass. */
const failureOf = (error: unknown, attempt: number): Omit<Failure, 'to'> | undefined => {
  if (error instanceof MountFailure) {
    return { reason: error.reason, detail: error.message };
  }
  if (!(error instanceof HostError) || saysBoxIsGone(error) || maySucceedLater(error, attempt)) {
    return undefined;
  }
  return { reason: error.code === 'noSpace' ? 'out_of_disk' : 'execution_failed', detail: error.message };
};

/**
 * Places what is still to be mounted, one after another, and records each as done. False when the box has failed over it. Throws what may pass:
 * the next call goes on where this one stood.
 */
export const placeMounts = async (
  parts: StepParts,
  box: Devbox,
  signal: AbortSignal,
  attempt: number,
): Promise<boolean> => {
  if (box.mountsLeft === 0) {
    return true;
  }
  const planned = await parts.store.plannedMounts(box.id);
  for (let index = planned.length - box.mountsLeft; index < planned.length; index++) {
    const mount = planned[index];
    if (mount === undefined) {
      break;
    }
    signal.throwIfAborted();
    const kind = parts.mounts.require(mount.type);
    const executionId = (step: number): string => mountExecutionId(index, step);
    try {
      const isLayered = box.layer?.mounts.includes(index) === true;
      await kind.place({ host: parts.host, box, executionId, isLayered }, mount.plan, signal);
    } catch (error) {
      const failure = failureOf(error, attempt);
      if (failure === undefined) {
        throw error;
      }
      const detail = `${kind.describe(mount.plan)}: ${failure.detail}`;
      await parts.transitions.apply(box.id, { to: 'failure', reason: failure.reason, detail });
      return false;
    }
    await parts.store.markMounted(box.id, planned.length - index - 1);
  }
  return true;
};
