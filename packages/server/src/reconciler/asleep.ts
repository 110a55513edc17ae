import type { Transition } from '../devboxes/transition.ts';
import type { StepParts } from './parts.ts';

/** → `suspended`, with the end of the time that it may stay so. */
export const asleep = (
  parts: Pick<StepParts, 'suspendedTtlMs' | 'onDeadline'>,
  memory: boolean,
): Extract<Transition, { to: 'suspended' }> => {
  if (parts.suspendedTtlMs !== null) {
    parts.onDeadline(parts.suspendedTtlMs);
  }
  return { to: 'suspended', memory, ttlMs: parts.suspendedTtlMs };
};
