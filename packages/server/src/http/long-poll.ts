import type { NotificationHub } from '../database/notifications.ts';
import { apiError } from '../errors/api-error.ts';
import type { RequestScope } from './context.ts';

export interface LongPoll<Value> {
  /** Topics whose announcement makes `check` worth repeating. */
  readonly topics: readonly string[];
  readonly timeoutMs: number;
  /** Looks at the truth; `undefined` goes on waiting. What it throws ends the wait. */
  readonly check: () => Promise<Value | undefined>;
}

/**
 * Waits until `check` finds something. Subscribes before the first look, so nothing that happens in between is missed. Throws
 * `longPollTimeout` (408) when the time is over or the server shuts down.
 */
export const longPoll = async <Value>(
  hub: NotificationHub,
  scope: Pick<RequestScope, 'signal' | 'closing'>,
  poll: LongPoll<Value>,
): Promise<Value> => {
  const state = { pending: false, over: false };
  let wake: () => void = () => undefined;
  const onWake = (): void => {
    state.pending = true;
    wake();
  };
  const onOver = (): void => {
    state.over = true;
    wake();
  };
  const unsubscribes = poll.topics.map((topic) => hub.subscribe(topic, onWake));
  const timer = setTimeout(onOver, poll.timeoutMs);
  const signals = [scope.signal, scope.closing];
  for (const signal of signals) {
    signal.addEventListener('abort', onOver);
  }
  try {
    for (;;) {
      state.pending = false;
      const value = await poll.check();
      if (value !== undefined) {
        return value;
      }
      if (state.over || signals.some((signal) => signal.aborted)) {
        throw apiError('longPollTimeout', { seconds: poll.timeoutMs / 1000 });
      }
      if (!state.pending) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
  } finally {
    clearTimeout(timer);
    for (const unsubscribe of unsubscribes) {
      unsubscribe();
    }
    for (const signal of signals) {
      signal.removeEventListener('abort', onOver);
    }
  }
};
