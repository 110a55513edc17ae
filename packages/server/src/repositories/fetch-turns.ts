interface Waiter {
  readonly account: string;
  readonly begin: () => void;
}

/**
 * Lets a few calls of git run at once, and those of one account take half of the places at most: a remote that is slow on purpose holds up whoever
 * asked for it, and nobody else.
 */
export class FetchTurns {
  readonly #places: number;
  readonly #placesEach: number;
  readonly #running = new Map<string, number>();
  readonly #waiting: Waiter[] = [];
  #taken = 0;

  constructor(places: number) {
    this.#places = places;
    this.#placesEach = Math.max(1, Math.floor(places / 2));
  }

  /** Does the work once it is its turn. Throws what the work throws, and the signal's reason when that comes first. */
  async run<Result>(account: string, signal: AbortSignal, work: () => Promise<Result>): Promise<Result> {
    await this.#enter(account, signal);
    try {
      signal.throwIfAborted();
      return await work();
    } finally {
      this.#leave(account);
    }
  }

  #mayBegin(account: string): boolean {
    return this.#taken < this.#places && (this.#running.get(account) ?? 0) < this.#placesEach;
  }

  #take(account: string): void {
    this.#taken += 1;
    this.#running.set(account, (this.#running.get(account) ?? 0) + 1);
  }

  async #enter(account: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#mayBegin(account)) {
      this.#take(account);
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const giveUp = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(waiter), 1);
        reject(signal.reason);
      };
      const waiter: Waiter = {
        account,
        begin: () => {
          signal.removeEventListener('abort', giveUp);
          resolve();
        },
      };
      this.#waiting.push(waiter);
      signal.addEventListener('abort', giveUp, { once: true });
    });
  }

  #leave(account: string): void {
    const left = (this.#running.get(account) ?? 1) - 1;
    left === 0 ? this.#running.delete(account) : this.#running.set(account, left);
    this.#taken -= 1;
    const index = this.#waiting.findIndex((waiter) => this.#mayBegin(waiter.account));
    const [next] = index === -1 ? [] : this.#waiting.splice(index, 1);
    if (next !== undefined) {
      this.#take(next.account);
      next.begin();
    }
  }
}
