import { type AccountSettings, idleRule } from '@berth/contract';
import { HostError } from '@berth/host/contract';
import type { Devbox } from '../devboxes/devbox.ts';
import type { DueStore } from '../devboxes/due-store.ts';
import { suspension, wantsMemory } from '../devboxes/suspension.ts';
import type { Transition } from '../devboxes/transition.ts';
import type { StepParts } from './parts.ts';

type DeadlineParts = Pick<StepParts, 'host' | 'store' | 'transitions' | 'activity' | 'accountSettings'> & {
  readonly dues: DueStore;
  readonly evictions: {
    /** Whether room is still wanted. */
    readonly areWanted: () => boolean;
    readonly cancel: (id: string) => Promise<void>;
  };
};

/** Whether the execution has not ended. What the host no longer knows has. */
const isOpen = async (parts: DeadlineParts, devboxId: string, executionId: string): Promise<boolean> => {
  try {
    const view = await parts.host.execution(devboxId, executionId, 0);
    return view.status !== 'completed';
  } catch (error) {
    if (error instanceof HostError && (error.code === 'executionNotFound' || error.code === 'boxNotFound')) {
      return false;
    }
    throw error;
  }
};

/** Asks the host about executions whose end was not heard of. True when one of them goes on, or has ended only now. */
const isBusy = async (parts: DeadlineParts, devboxId: string): Promise<boolean> => {
  const executionIds = await parts.activity.openExecutions(devboxId);
  for (const executionId of executionIds) {
    if (await isOpen(parts, devboxId, executionId)) {
      parts.activity.touch({ id: devboxId, hasIdleRule: true });
      return true;
    }
    await parts.activity.close(devboxId, executionId);
  }
  return executionIds.length > 0;
};

/** What an idle box is to become (API §3.6). */
const idleEnd = (box: Devbox, settings: AccountSettings): Transition =>
  idleRule(box.launchParameters)?.on_idle === 'suspend'
    ? suspension(box, wantsMemory(box, settings), 'idle')
    : { to: 'shutdown', reason: 'idle' };

/** The time of the notice is over: the box is suspended, unless others have made room meanwhile (API §6). */
const evict = async (parts: DeadlineParts, id: string): Promise<void> => {
  const box = await parts.store.find(id);
  if (box === undefined || !parts.evictions.areWanted()) {
    await parts.evictions.cancel(id);
    return;
  }
  const memory = wantsMemory(box, await parts.accountSettings(box.accountId));
  await parts.transitions.apply(id, suspension(box, memory, 'evicted to make room'), {
    from: ['running'],
    evicted: true,
  });
};

/**
 * Ends or suspends boxes whose lifetime is over, or that were idle for their time. The conditions are checked again by the database as it
 * writes.
 */
export const handleDeadlines = async (parts: DeadlineParts): Promise<void> => {
  for (const { id, status } of await parts.dues.expired()) {
    const reason = status === 'suspended' ? 'ttl_expired' : 'keep_alive_timeout';
    await parts.transitions.apply(id, { to: 'shutdown', reason }, { expired: true, from: [status] });
  }
  await parts.activity.flush();
  for (const id of await parts.dues.idle()) {
    const box = (await isBusy(parts, id)) ? undefined : await parts.store.find(id);
    if (box !== undefined) {
      await parts.activity.flush();
      const end = idleEnd(box, await parts.accountSettings(box.accountId));
      await parts.transitions.apply(id, end, { idle: true, from: ['running'] });
    }
  }
  await parts.activity.flush();
  for (const id of await parts.dues.evicted()) {
    await evict(parts, id);
  }
};
