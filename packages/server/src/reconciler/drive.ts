import { type Devbox, isEnded } from '../devboxes/devbox.ts';
import { initialize } from './initialize.ts';
import type { StepParts } from './parts.ts';
import { provision } from './provision.ts';
import { checkPresence, release, releaseOrphan, saysBoxIsGone, supervise } from './supervise.ts';

const step = async (parts: StepParts, box: Devbox, signal: AbortSignal, attempt: number): Promise<void> => {
  switch (box.status) {
    case 'provisioning':
      return provision(parts, box, signal, attempt);
    case 'initializing':
      return initialize(parts, box, signal);
    case 'running':
      return supervise(parts, box);
    default:
      return release(parts, box);
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
  for (let last: Devbox['status'] | undefined; ; ) {
    signal.throwIfAborted();
    const box = await parts.store.find(id);
    if (box === undefined) {
      return releaseOrphan(parts, id);
    }
    if (box.status === last && (box.status === 'running' || isEnded(box))) {
      return;
    }
    last = box.status;
    onActing(box.status);
    try {
      await step(parts, box, signal, attempt);
    } catch (error) {
      // A box that died under a step is a failure of the box, not of the step.
      if (!saysBoxIsGone(error) || box.status === 'provisioning' || isEnded(box) || (await checkPresence(parts, box))) {
        throw error;
      }
    }
  }
};
