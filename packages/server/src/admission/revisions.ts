import type { Devbox } from '../devboxes/devbox.ts';

const defaultCapacity = 50_000;

/** The newest revision heard of each box, also of those that hold nothing any more; the oldest are forgotten. */
export class Revisions {
  readonly #known = new Map<string, number>();
  readonly #capacity: number;

  constructor(capacity: number = defaultCapacity) {
    this.#capacity = capacity;
  }

  /** Whether this is not older than what was heard before; it is remembered then. */
  isNew({ id, revision }: Pick<Devbox, 'id' | 'revision'>): boolean {
    if (revision < (this.#known.get(id) ?? 0)) {
      return false;
    }
    // To the end: a map keeps the order of insertion.
    this.#known.delete(id);
    this.#known.set(id, revision);
    if (this.#known.size > this.#capacity) {
      const oldest = this.#known.keys().next().value;
      this.#known.delete(oldest ?? '');
    }
    return true;
  }
}
