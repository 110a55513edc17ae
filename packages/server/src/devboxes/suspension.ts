import { type AccountSettings, defaultSuspendDeadlineMs } from '@berth/contract';
import type { Devbox } from './devbox.ts';
import type { Transition } from './transition.ts';

/** Whether the grade of isolation that the box has can keep its memory. */
export const canKeepMemory = (box: Pick<Devbox, 'isolation'>): boolean =>
  box.isolation === 'gvisor' || box.isolation === 'microvm';

/** Whether a suspension that says nothing of it keeps the memory: as the box says, else as its account does. */
export const wantsMemory = (box: Devbox, settings: Pick<AccountSettings, 'suspend_memory'>): boolean =>
  box.launchParameters.lifecycle?.suspend_memory ?? settings.suspend_memory;

/** The change that begins a suspension. A wish for memory that comes from a default is told when it cannot be met. */
export const suspension = (box: Devbox, memory: boolean, cause?: string): Extract<Transition, { to: 'suspending' }> => {
  const hooks = box.launchParameters.lifecycle?.lifecycle_hooks;
  const told = [
    ...(cause === undefined ? [] : [cause]),
    ...(memory && !canKeepMemory(box) ? [`isolation ${box.isolation ?? 'unknown'} cannot keep the memory`] : []),
  ];
  return {
    to: 'suspending',
    memory: memory && canKeepMemory(box),
    hooksMs:
      (hooks?.suspend_commands ?? []).length === 0 ? null : (hooks?.suspend_deadline_ms ?? defaultSuspendDeadlineMs),
    ...(told.length === 0 ? {} : { detail: told.join('; ') }),
  };
};
