interface Waiting {
  readonly start: () => void;
}

/**
 * Bounds how many tasks run at once, and takes them from the groups in turn, so that one account's thousand creates do not keep another's
 * first one waiting.
 */
export class FairQueue {
  readonly #limit: number;
  readonly #waiting = new Map<string, Waiting[]>();
  #running = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Number of tasks that wait for their turn. */
  get length(): number {
    let count = 0;
    for (const group of this.#waiting.values()) {
      count += group.length;
    }
    return count;
  }

  /** Whether a task would have to wait. */
  get isFull(): boolean {
    return this.#running >= this.#limit;
  }

  /** Runs the task when it is its group's turn. Rejects with the signal's reason when that is aborted before. */
  async run<Value>(group: string, signal: AbortSignal, task: () => Promise<Value>): Promise<Value> {
    signal.throwIfAborted();
    if (this.isFull) {
      await this.#turn(group, signal);
    } else {
      this.#running += 1;
    }
    try {
      return await task();
    } finally {
      this.#running -= 1;
      this.#startNext();
    }
  }

  #turn(group: string, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const queue = this.#waiting.get(group) ?? [];
      this.#waiting.set(group, queue);
      const entry: Waiting = {
        start: () => {
          signal.removeEventListener('abort', onAbort);
          this.#running += 1;
          resolve();
        },
      };
      const onAbort = (): void => {
        queue.splice(queue.indexOf(entry), 1);
        if (queue.length === 0) {
          this.#waiting.delete(group);
        }
        reject(signal.reason);
      };
      signal.addEventListener('abort', onAbort, { once: true });
      queue.push(entry);
    });
  }

  #startNext(): void {
    const first = this.#waiting.entries().next().value;
    if (first === undefined) {
      return;
    }
    const [group, queue] = first;
    const next = queue.shift();
    // To the end of the line: the next turn is another group's.
    this.#waiting.delete(group);
    if (queue.length > 0) {
      this.#waiting.set(group, queue);
    }
    next?.start();
  }
}
