import type { evictionEvent } from '@berth/contract';
import type { z } from 'zod';
import { type AdmissionStore, evictionsTopic } from '../admission/store.ts';
import type { NotificationHub } from '../database/notifications.ts';
import type { RequestScope } from '../http/context.ts';

export interface EvictionWatchParts {
  readonly store: Pick<AdmissionStore, 'pendingEvictions'>;
  readonly hub: NotificationHub;
}

/**
 * Notices of pending evictions of one account (API §6): those there are, then each further one, once, until the client leaves or the server
 * shuts down.
 */
export async function* watchEvictions(
  parts: EvictionWatchParts,
  account: string,
  scope: Pick<RequestScope, 'signal' | 'closing'>,
): AsyncGenerator<z.output<typeof evictionEvent>> {
  const ended = AbortSignal.any([scope.signal, scope.closing]);
  let sent = new Map<string, number>();
  const state = { changed: false };
  let wake: () => void = () => undefined;
  const onChange = (): void => {
    state.changed = true;
    wake();
  };
  const unsubscribe = parts.hub.subscribe(evictionsTopic(account), onChange);
  ended.addEventListener('abort', onChange);
  try {
    while (!ended.aborted) {
      state.changed = false;
      const pending = await parts.store.pendingEvictions(account);
      for (const { id, deadlineMs } of pending) {
        if (sent.get(id) !== deadlineMs) {
          yield { devbox_id: id, eviction_deadline_ms: deadlineMs };
        }
      }
      sent = new Map(pending.map(({ id, deadlineMs }) => [id, deadlineMs]));
      if (!state.changed && !ended.aborted) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
  } finally {
    unsubscribe();
    ended.removeEventListener('abort', onChange);
  }
}
