import { HostError } from '@berth/host/contract';
import type { DueStore } from '../devboxes/due-store.ts';
import type { StepParts } from './parts.ts';

type DeadlineParts = Pick<StepParts, 'host' | 'transitions' | 'activity'> & { readonly dues: DueStore };

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

/** Ends boxes whose lifetime is over, or that were idle for their time. The conditions are checked again by the database as it writes. */
export const handleDeadlines = async (parts: DeadlineParts): Promise<void> => {
  for (const id of await parts.dues.expired()) {
    await parts.transitions.apply(id, { to: 'shutdown', reason: 'keep_alive_timeout' }, { expired: true });
  }
  await parts.activity.flush();
  for (const id of await parts.dues.idle()) {
    if (!(await isBusy(parts, id))) {
      await parts.transitions.apply(id, { to: 'shutdown', reason: 'idle' }, { idle: true });
    }
  }
  await parts.activity.flush();
};
