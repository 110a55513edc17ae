import type { FailureReason } from '@berth/contract';
import { type BoxState, HostError } from '@berth/host/contract';
import type { Devbox } from '../devboxes/devbox.ts';
import { asleep } from './asleep.ts';
import { coldHint, stopped } from './causes.ts';
import type { StepParts } from './parts.ts';
import { maySucceedLater, problemOf } from './retries.ts';
import { hasSteps, run } from './run.ts';
import { startSpec } from './start-spec.ts';

/** The box is suspended as before, and says why (API §3.3). */
const stay = (
  parts: StepParts,
  box: Devbox,
  problem: string,
  reason: FailureReason = 'execution_failed',
): Promise<Devbox | undefined> =>
  parts.transitions.apply(box.id, {
    ...asleep(parts, box.withMemory),
    mishap: { reason, detail: `the devbox cannot be resumed: ${problem}` },
  });

/** Whether the memory that the row speaks of is there. The host would start the box from its disk without a word. */
const isMemoryLost = (box: Devbox, state: BoxState | undefined): boolean =>
  box.resume === 'memory' && state?.phase === 'suspended' && state.hasMemory !== true;

const start = async (
  parts: StepParts,
  box: Devbox,
  attempt: number,
): Promise<{ readonly state: BoxState | undefined } | { readonly box: Devbox | undefined }> => {
  const wish = await startSpec(parts, box);
  if ('missingSecret' in wish) {
    return { box: await stay(parts, box, `secret '${wish.missingSecret}' was deleted`) };
  }
  const before = await parts.host.inspect(box.id);
  if (isMemoryLost(box, before)) {
    return { box: await stay(parts, box, `the host no longer has its memory; ${coldHint}`) };
  }
  if (before === undefined || before.phase === 'stopped' || before.phase === 'destroyed') {
    return { state: before };
  }
  try {
    return { state: await parts.host.resume(wish.spec, { memory: box.resume === 'memory' }) };
  } catch (error) {
    if (maySucceedLater(error, attempt)) {
      throw error;
    }
    if (error instanceof HostError && (error.code === 'boxNotFound' || error.code === 'boxNotSuspended')) {
      return { state: await parts.host.inspect(box.id) };
    }
    const hint = box.resume === 'memory' ? `; ${coldHint}` : '';
    return { box: await stay(parts, box, `${problemOf(error)}${hint}`) };
  }
};

/**
 * `provisioning` of a suspended box → `initializing`, where its launch commands run again; `running` at once when its processes go on where
 * they stood, or there is nothing to run; or `suspended` as before. Safe to repeat: the host leaves a box that runs as it is.
 */
export const resume = async (
  parts: StepParts,
  box: Devbox,
  signal: AbortSignal,
  attempt: number,
): Promise<Devbox | undefined> => {
  const made = await parts.creates.run(box.accountId, signal, () => start(parts, box, attempt));
  if ('box' in made) {
    return made.box;
  }
  const { state } = made;
  switch (state?.phase) {
    case 'running':
      // `initializing` is passed over where nothing is to be run: clients that look at once do not expect it.
      return box.resume === 'memory' || !hasSteps(box)
        ? run(parts, box, { isolation: state.isolation })
        : parts.transitions.apply(box.id, { to: 'initializing', isolation: state.isolation });
    case 'suspended': {
      const { reason, detail } = stopped(state);
      return stay(parts, box, box.resume === 'memory' ? `${detail}; ${coldHint}` : detail, reason);
    }
    case 'starting':
    case 'suspending':
      throw new HostError('internal', `the host answered while the box was ${state.phase}`, { retryable: true });
    default:
      return parts.transitions.apply(box.id, stopped(state));
  }
};
