/**
 * Waits that one failure cuts short, one at a time. Unlike `Promise.race` against a long-lived promise it holds on to nothing, however many
 * waits there are.
 */
export class Interruption {
  #failure: { readonly error: unknown } | undefined;
  #reject: ((error: unknown) => void) | undefined;

  /** Ends the present wait, and each later one, with this error. The first call counts. */
  fail(error: unknown): void {
    if (this.#failure === undefined) {
      this.#failure = { error };
      this.#reject?.(error);
    }
  }

  /** The promise's outcome, unless a failure comes first. */
  wait<Value>(promise: Promise<Value>): Promise<Value> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined) {
        reject(this.#failure.error);
        promise.catch(() => undefined);
        return;
      }
      this.#reject = reject;
      promise.then(resolve, reject);
    });
  }
}
