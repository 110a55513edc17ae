/** One that waits: whose it is decides when its turn comes. */
export interface Waiting {
  readonly id: string;
  readonly scope: string;
}

/** A few at a time; among those that wait, the scope with the fewest running comes first, then the one that was served longest ago, then who came first. */
export class BuildQueue {
  readonly #limit: number;
  readonly #start: (id: string) => Promise<void>;
  #waiting: Waiting[] = [];
  readonly #running = new Map<string, string>();
  readonly #served = new Map<string, number>();
  #turn = 0;

  /** @param start runs one to its end; never rejects */
  constructor(limit: number, start: (id: string) => Promise<void>) {
    this.#limit = limit;
    this.#start = start;
  }

  get running(): number {
    return this.#running.size;
  }

  add(one: Waiting): void {
    if (!this.#running.has(one.id) && !this.#waiting.some(({ id }) => id === one.id)) {
      this.#waiting.push(one);
      this.#pump();
    }
  }

  /** @returns whether it was waiting */
  remove(id: string): boolean {
    const before = this.#waiting.length;
    this.#waiting = this.#waiting.filter((one) => one.id !== id);
    return this.#waiting.length < before;
  }

  clear(): void {
    this.#waiting = [];
  }

  #pump(): void {
    while (this.#running.size < this.#limit && this.#waiting.length > 0) {
      const next = this.#next();
      if (next === undefined) {
        return;
      }
      this.remove(next.id);
      this.#running.set(next.id, next.scope);
      this.#served.set(next.scope, ++this.#turn);
      void this.#start(next.id).finally(() => {
        this.#running.delete(next.id);
        this.#pump();
      });
    }
    if (this.#running.size === 0) {
      this.#served.clear();
    }
  }

  #next(): Waiting | undefined {
    const runningOf = (scope: string) => [...this.#running.values()].filter((one) => one === scope).length;
    const rank = ({ scope }: Waiting) => [runningOf(scope), this.#served.get(scope) ?? 0] as const;
    // Stable: who came first stays first.
    return this.#waiting.toSorted((one, other) => {
      const [[running, served], [otherRunning, otherServed]] = [rank(one), rank(other)];
      return running - otherRunning || served - otherServed;
    })[0];
  }
}
