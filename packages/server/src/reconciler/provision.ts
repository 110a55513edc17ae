import { type BoxState, HostError } from '@berth/host/contract';
import { boxSpec } from '../devboxes/box-spec.ts';
import type { Devbox } from '../devboxes/devbox.ts';
import { stopped } from './causes.ts';
import type { StepParts } from './parts.ts';

/** Attempts at a create that fails in a way that may pass. */
const maximumAttempts = 5;

/** Values of the box's secrets by variable name, or the name of one that is gone. */
const secretValues = async (
  parts: StepParts,
  box: Devbox,
): Promise<{ readonly values: Record<string, string> } | { readonly missing: string }> => {
  const wanted = Object.entries(box.wish.secretNames);
  const found = await parts.secrets.reveal(box.accountId, [...new Set(wanted.map(([, name]) => name))]);
  const values: Record<string, string> = {};
  for (const [variable, name] of wanted) {
    const value = found.get(name);
    if (value === undefined) {
      return { missing: name };
    }
    values[variable] = value;
  }
  return { values };
};

const maySucceedLater = (error: unknown, attempt: number): boolean =>
  !(error instanceof HostError) ||
  error.code === 'hostUnavailable' ||
  error.code === 'cancelled' ||
  (error.retryable && attempt + 1 < maximumAttempts);

/** What the host made, or the box as its failure left it; undefined when the box is no longer wanted. */
const create = async (
  parts: StepParts,
  box: Devbox,
  attempt: number,
): Promise<{ readonly state: BoxState } | { readonly box: Devbox | undefined }> => {
  const fail = async (detail: string) => ({
    box: await parts.transitions.apply(box.id, { to: 'failure', reason: 'execution_failed', detail }),
  });
  const secrets = await secretValues(parts, box);
  if ('missing' in secrets) {
    return fail(`secret '${secrets.missing}' was deleted before the devbox started`);
  }
  if (!(await parts.store.markRequested(box.id))) {
    return { box: undefined };
  }
  try {
    return { state: await parts.host.create(boxSpec(box, secrets.values, parts.defaultIsolation)) };
  } catch (error) {
    if (maySucceedLater(error, attempt)) {
      throw error;
    }
    return fail(`the host cannot make the devbox: ${error instanceof Error ? error.message : String(error)}`);
  }
};

/** `provisioning` → `initializing`, or `failure`. Safe to repeat: the host answers for a box it has. Waits while the host is away. */
export const provision = async (
  parts: StepParts,
  box: Devbox,
  signal: AbortSignal,
  attempt: number,
): Promise<Devbox | undefined> => {
  const made = await parts.creates.run(box.accountId, signal, () => create(parts, box, attempt));
  if ('box' in made) {
    return made.box;
  }
  const { state } = made;
  if (state.phase === 'starting') {
    throw new HostError('internal', 'the host answered before the box did', { retryable: true });
  }
  return parts.transitions.apply(
    box.id,
    state.phase === 'running' ? { to: 'initializing', isolation: state.isolation } : stopped(state),
  );
};
