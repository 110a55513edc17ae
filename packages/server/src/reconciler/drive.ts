import { type Devbox, isEnded } from '../devboxes/devbox.ts';
import { initialize } from './initialize.ts';
import type { StepParts } from './parts.ts';
import { provision } from './provision.ts';
import { checkPresence, release, releaseOrphan, saysBoxIsGone, supervise } from './supervise.ts';

/** Takes the step; answers with the box as its change of status left it, when it made one. */
const step = async (
  parts: StepParts,
  box: Devbox,
  signal: AbortSignal,
  attempt: number,
): Promise<Devbox | undefined> => {
  switch (box.status) {
    case 'provisioning':
      return provision(parts, box, signal, attempt);
    case 'initializing':
      return initialize(parts, box, signal);
    case 'running':
      return supervise(parts, box);
    default:
      await release(parts, box);
      return undefined;
  }
};

/**
 * Brings one box to rest: reads its row, takes the step that its status asks for, and again, until it runs or is gone. Every step may be cut
 * off by a kill at any point and is safe to repeat. Throws what may pass (host away, database away).
 */
export const drive = async (
  parts: StepParts,
  id: string,
  signal: AbortSignal,
  attempt: number,
  onActing: (status: Devbox['status']) => void,
): Promise<void> => {
  let last: Devbox['status'] | undefined;
  let known: Devbox | undefined;
  for (;;) {
    signal.throwIfAborted();
    const box = known ?? (await parts.store.find(id));
    if (box === undefined) {
      return releaseOrphan(parts, id);
    }
    if (box.status === last && (box.status === 'running' || isEnded(box))) {
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
