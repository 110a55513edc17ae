import type { NotificationHub } from '../database/notifications.ts';
import type { SnapshotKeeperStore } from './keeper-store.ts';
import { type Snapshot, snapshotTopic } from './snapshot.ts';

const problemOf = (snapshot: Snapshot | undefined): string | undefined => {
  if (snapshot?.status === 'error') {
    return snapshot.error_message ?? 'it failed';
  }
  return snapshot === undefined || snapshot.host_state === 'gone' ? 'it was deleted' : undefined;
};

/**
 * Waits until a snapshot is no longer being taken, and says what keeps boxes from being started from it; undefined when nothing does.
 * Rejects with the signal's reason.
 */
export const imageProblem = async (
  parts: { readonly store: Pick<SnapshotKeeperStore, 'find'>; readonly hub: NotificationHub },
  id: string,
  signal: AbortSignal,
): Promise<string | undefined> => {
  let wake: () => void = () => undefined;
  let changed = new Promise<void>((resolve) => {
    wake = resolve;
  });
  const unsubscribe = parts.hub.subscribe(snapshotTopic(id), () => wake());
  const onAbort = (): void => wake();
  signal.addEventListener('abort', onAbort);
  try {
    for (;;) {
      signal.throwIfAborted();
      const snapshot = await parts.store.find(id);
      if (snapshot?.status !== 'in_progress') {
        return problemOf(snapshot);
      }
      await changed;
      changed = new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  } finally {
    unsubscribe();
    signal.removeEventListener('abort', onAbort);
  }
};
