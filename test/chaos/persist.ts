import { setTimeout as sleep } from 'node:timers/promises';
import { APIConnectionError, APIError } from '@runloop/api-client';

/** An error that trying again cannot heal: the box or the request is to blame, not the weather. */
export const isFinal = (error: unknown): boolean => {
  if (error instanceof APIConnectionError) {
    return false;
  }
  if (error instanceof APIError && error.status !== undefined) {
    return error.status < 500 && ![408, 409, 425, 429].includes(error.status);
  }
  return false;
};

const longestMs = 120_000;
/** A call without any answer for this long is given up: a client may not notice that its connection died with the server. */
const silenceMs = 45_000;

/** Rejects when the promise takes longer than this. */
export async function within<T>(what: string, promise: PromiseLike<T>, timeoutMs: number): Promise<T> {
  const over = new AbortController();
  const late = sleep(timeoutMs, undefined, { signal: over.signal }).then(() => {
    throw new Error(`${what}: nothing within ${timeoutMs} ms`);
  });
  late.catch(() => undefined);
  try {
    return await Promise.race([promise, late]);
  } finally {
    over.abort();
  }
}

/** Repeats a call, always the very same one, until it is answered: what a careful client does while processes die. */
export async function persist<T>(what: string, call: () => PromiseLike<T>): Promise<T> {
  const deadline = Date.now() + longestMs;
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await within(what, call(), silenceMs);
    } catch (error) {
      if (isFinal(error) || Date.now() > deadline) {
        throw new Error(`${what}, attempt ${attempt + 1}: ${String(error)}`, { cause: error });
      }
      await sleep(Math.min(50 * 2 ** Math.min(attempt, 4), 500));
    }
  }
}
