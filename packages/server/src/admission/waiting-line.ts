/** One box that waits for its place. */
export interface Waiter {
  readonly id: string;
  readonly accountId: string;
  readonly memoryBytes: number;
  readonly diskBytes: number;
  readonly starts: boolean;
  /** Others may be suspended to make room for it. */
  readonly evicts: boolean;
  /** Since when it waits, by `performance.now()`. */
  readonly sinceMs: number;
}

/** What is to become of the first of an account: `admit`; `pass` others by; `block` them, because it has waited long enough. */
export type Verdict = 'admit' | 'pass' | 'block';

/**
 * Boxes that wait: accounts take turns, and within an account the order is that of arrival. One that does not fit yet lets others pass
 * until its patience ends; then nobody passes it, so that small ones cannot keep a large one waiting for ever.
 */
export class WaitingLine {
  readonly #accounts = new Map<string, Map<string, Waiter>>();

  get length(): number {
    let count = 0;
    for (const waiters of this.#accounts.values()) {
      count += waiters.size;
    }
    return count;
  }

  has(accountId: string, id: string): boolean {
    return this.#accounts.get(accountId)?.has(id) === true;
  }

  add(waiter: Waiter): void {
    const waiters = this.#accounts.get(waiter.accountId) ?? new Map<string, Waiter>();
    this.#accounts.set(waiter.accountId, waiters);
    if (!waiters.has(waiter.id)) {
      waiters.set(waiter.id, waiter);
    }
  }

  remove(accountId: string, id: string): void {
    const waiters = this.#accounts.get(accountId);
    waiters?.delete(id);
    if (waiters?.size === 0) {
      this.#accounts.delete(accountId);
    }
  }

  /** The first of each account, in the order of their turns. */
  *heads(): Iterable<Waiter> {
    for (const waiters of this.#accounts.values()) {
      const head = waiters.values().next().value;
      if (head !== undefined) {
        yield head;
      }
    }
  }

  /** The next one that is admitted. It stays in the line until it is {@link serve served} or removed. */
  next(judge: (waiter: Waiter) => Verdict): Waiter | undefined {
    for (const head of this.heads()) {
      const verdict = judge(head);
      if (verdict === 'admit') {
        return head;
      }
      if (verdict === 'block') {
        return undefined;
      }
    }
    return undefined;
  }

  /** It has its place; its account's next turn is the last. */
  serve({ accountId, id }: Pick<Waiter, 'accountId' | 'id'>): void {
    this.remove(accountId, id);
    const rest = this.#accounts.get(accountId);
    if (rest !== undefined) {
      this.#accounts.delete(accountId);
      this.#accounts.set(accountId, rest);
    }
  }
}
