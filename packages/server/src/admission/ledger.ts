import type { Holding } from './holding.ts';

/** Sums over boxes. */
export interface Sums {
  memoryBytes: number;
  diskBytes: number;
  starts: number;
  running: number;
  existing: number;
  /** Nominal memory and disk of those that run, or exist, by the quotas. */
  quotaMemoryBytes: number;
  quotaDiskBytes: number;
}

interface Entry {
  readonly holding: Holding;
  readonly nominal: { readonly memoryBytes: number; readonly diskBytes: number };
}

const nothing = (): Sums => ({
  memoryBytes: 0,
  diskBytes: 0,
  starts: 0,
  running: 0,
  existing: 0,
  quotaMemoryBytes: 0,
  quotaDiskBytes: 0,
});

/** Who holds what, in memory. The rows are the truth: it is read from them at the start and told of each change. */
export class Ledger {
  readonly #entries = new Map<string, Entry>();
  readonly #accounts = new Map<string, Sums>();
  readonly #total = nothing();

  get total(): Readonly<Sums> {
    return this.#total;
  }

  ofAccount(accountId: string): Readonly<Sums> {
    return this.#accounts.get(accountId) ?? nothing();
  }

  /** Notes what a box holds now; undefined strikes it off. */
  set(id: string, holding: Holding | undefined, nominal: Entry['nominal']): void {
    const before = this.#entries.get(id);
    if (before !== undefined) {
      this.#add(before, -1);
      this.#entries.delete(id);
    }
    if (holding !== undefined) {
      const entry = { holding, nominal };
      this.#entries.set(id, entry);
      this.#add(entry, 1);
    }
  }

  /** Ids of boxes that may be suspended to make room, in the order in which they came to be so. */
  *evictable(): Iterable<{ readonly id: string; readonly memoryBytes: number }> {
    for (const [id, { holding }] of this.#entries) {
      if (holding.evictable) {
        yield { id, memoryBytes: holding.memoryBytes };
      }
    }
  }

  /** Ids of all boxes that hold something. */
  ids(): string[] {
    return [...this.#entries.keys()];
  }

  #add({ holding, nominal }: Entry, sign: 1 | -1): void {
    const account = this.#accounts.get(holding.accountId) ?? nothing();
    this.#accounts.set(holding.accountId, account);
    for (const sums of [this.#total, account]) {
      sums.memoryBytes += sign * holding.memoryBytes;
      sums.diskBytes += sign * holding.diskBytes;
      sums.starts += sign * Number(holding.starts);
      sums.running += sign * Number(holding.runs);
      sums.existing += sign * Number(holding.exists);
      sums.quotaMemoryBytes += sign * (holding.runs ? nominal.memoryBytes : 0);
      sums.quotaDiskBytes += sign * (holding.exists ? nominal.diskBytes : 0);
    }
    if (account.existing === 0 && account.memoryBytes === 0 && account.diskBytes === 0) {
      this.#accounts.delete(holding.accountId);
    }
  }
}
