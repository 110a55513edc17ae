import { type BoxState, HostError } from '@berth/host/contract';
import type { Devbox } from '../devboxes/devbox.ts';
import { findLayer } from '../layers/find-layer.ts';
import { stopped } from './causes.ts';
import type { StepParts } from './parts.ts';
import { maySucceedLater, problemOf } from './retries.ts';
import { hasSteps, run } from './run.ts';
import { startSpec } from './start-spec.ts';

/** What the host made, or the box as its failure left it; undefined when the box is no longer wanted. */
const create = async (
  parts: StepParts,
  box: Devbox,
  attempt: number,
): Promise<{ readonly state: BoxState } | { readonly box: Devbox | undefined }> => {
  const fail = async (detail: string) => ({
    box: await parts.transitions.apply(box.id, { to: 'failure', reason: 'execution_failed', detail }),
  });
  try {
    const birth = parts.births.take(box.id);
    if (birth !== undefined) {
      return { state: await birth };
    }
    const start = await startSpec(parts, box);
    if ('missingSecret' in start) {
      return fail(`secret '${start.missingSecret}' was deleted before the devbox started`);
    }
    if (box.hostState === 'absent' && !(await parts.store.markRequested(box.id))) {
      return { box: undefined };
    }
    return { state: await parts.host.create(start.spec) };
  } catch (error) {
    if (box.layer !== null && error instanceof HostError && error.code === 'imageUnavailable') {
      await parts.layers.lost(box.layer.id);
      await parts.store.setLayer(box.id, null);
      throw new HostError('internal', 'the layer of the mounts is gone', { retryable: true, cause: error });
    }
    if (maySucceedLater(error, attempt)) {
      throw error;
    }
    return fail(`the host cannot make the devbox: ${problemOf(error)}`);
  }
};

/** The layer stays while the host is asked for the box; then the box keeps it. */
const createGrounded = async (parts: StepParts, wanted: Devbox, signal: AbortSignal, attempt: number) => {
  const { box, release, failure } = await findLayer(parts, wanted, signal);
  if (failure !== undefined) {
    return { box: await parts.transitions.apply(wanted.id, { to: 'failure', ...failure }) };
  }
  try {
    return await parts.creates.run(box.accountId, signal, () => create(parts, box, attempt));
  } finally {
    release();
  }
};

/** `provisioning` → `initializing`, `running` (where nothing is to be run before) or `failure`. Safe to repeat: the host answers for a box it has. Waits while the host is away. */
export const provision = async (
  parts: StepParts,
  box: Devbox,
  signal: AbortSignal,
  attempt: number,
): Promise<Devbox | undefined> => {
  const problem = box.image === null ? undefined : await parts.imageProblem(box.image.id, signal);
  if (problem !== undefined) {
    const detail = `the snapshot to start from cannot be used: ${problem}`;
    return parts.transitions.apply(box.id, { to: 'failure', reason: 'execution_failed', detail });
  }
  // One that was begun with its row has its turn already.
  const made = parts.births.has(box.id)
    ? await create(parts, box, attempt)
    : await createGrounded(parts, box, signal, attempt);
  if ('box' in made) {
    return made.box;
  }
  const { state } = made;
  if (state.phase === 'starting') {
    throw new HostError('internal', 'the host answered before the box did', { retryable: true });
  }
  if (state.phase === 'running' && (box.image?.memory === true || !hasSteps(box))) {
    // Processes that came with the memory go on where they stood: nothing is to be run again.
    return run(parts, box, { isolation: state.isolation, isInitialized: box.image?.memory !== true });
  }
  return parts.transitions.apply(
    box.id,
    state.phase === 'running' ? { to: 'initializing', isolation: state.isolation } : stopped(state),
  );
};
