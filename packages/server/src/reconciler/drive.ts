import { type Devbox, isEnded } from '../devboxes/devbox.ts';
import { initialize } from './initialize.ts';
import type { StepParts } from './parts.ts';
import { provision } from './provision.ts';
import { resume } from './resume.ts';
import { checkPresence, release, releaseOrphan, saysBoxIsGone, supervise } from './supervise.ts';
import { superviseSuspended, suspend } from './suspend.ts';

/** Takes the step; answers with the box as its change of status left it, when it made one. */
const step = async (
  parts: StepParts,
  box: Devbox,
  signal: AbortSignal,
  attempt: number,
): Promise<Devbox | undefined> => {
  switch (box.status) {
    case 'queued':
      return box;
    case 'provisioning':
      return box.resume === null ? provision(parts, box, signal, attempt) : resume(parts, box, signal, attempt);
    case 'initializing':
      return initialize(parts, box, signal, attempt);
    case 'running':
      return supervise(parts, box);
    case 'suspending':
      return suspend(parts, box, signal, attempt);
    case 'suspended':
      return superviseSuspended(parts, box);
    default:
      await release(parts, box);
      return undefined;
  }
};

/** Whether nothing is to be done for the box until something happens. */
const isAtRest = (box: Devbox): boolean => restingStatuses.has(box.status) || isEnded(box);
const restingStatuses: ReadonlySet<Devbox['status']> = new Set(['queued', 'running', 'suspended']);

/**
 * Brings one box to rest: reads its row (unless it is given as it was just written), takes the step that its status asks for, and again, until it runs, sleeps or is gone. Every step may be cut
 * off by a kill at any point and is safe to repeat. Throws what may pass (host away, database away).
 */
export const drive = async (
  parts: StepParts,
  id: string,
  signal: AbortSignal,
  attempt: number,
  onActing: (status: Devbox['status']) => void,
  first?: Devbox,
): Promise<void> => {
  let last: Devbox['status'] | undefined;
  let known = first;
  for (;;) {
    signal.throwIfAborted();
    const box = known ?? (await parts.store.find(id));
    if (box === undefined) {
      // One whose row is being written is nobody's orphan yet.
      return parts.births.has(id) ? undefined : releaseOrphan(parts, id);
    }
    if (box.status === last && isAtRest(box)) {
      return;
    }
    last = box.status;
    onActing(box.status);
    try {
      known = await step(parts, box, signal, attempt);
    } catch (error) {
      known = undefined;
      // A box that died under a step is a failure of the box, not of the step.
      if (!saysBoxIsGone(error) || box.status === 'provisioning' || isEnded(box) || (await checkPresence(parts, box))) {
        throw error;
      }
    }
  }
};
