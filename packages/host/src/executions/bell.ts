import { HostError } from '../contract/index.ts';

export const cancelled = (): HostError => new HostError('cancelled', 'the call was cancelled');

/** Wakes everyone who waits for a change. A waiter looks at the state first and then waits, without a turn between: it misses nothing. */
export class Bell {
  #waiters = new Set<() => void>();
  /** How often it rang: a waiter that looked at the state in several turns sees whether it missed something. */
  rings = 0;

  ring(): void {
    this.rings += 1;
    if (this.#waiters.size > 0) {
      const waiters = this.#waiters;
      this.#waiters = new Set();
      for (const wake of waiters) {
        wake();
      }
    }
  }

  /**
   * Resolves at the next ring, or after `timeoutMs`.
   * @returns whether it rang. @throws HostError `cancelled` when the signal is aborted
   */
  wait(options: { readonly signal?: AbortSignal | undefined; readonly timeoutMs?: number } = {}): Promise<boolean> {
    const { signal, timeoutMs } = options;
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) {
        reject(cancelled());
        return;
      }
      let timer: NodeJS.Timeout | undefined;
      const done = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', abort);
        this.#waiters.delete(wake);
      };
      const wake = (): void => {
        done();
        resolve(true);
      };
      const abort = (): void => {
        done();
        reject(cancelled());
      };
      if (timeoutMs !== undefined) {
        timer = setTimeout(() => {
          done();
          resolve(false);
        }, timeoutMs);
      }
      signal?.addEventListener('abort', abort, { once: true });
      this.#waiters.add(wake);
    });
  }
}
