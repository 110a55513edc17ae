import type { Isolation } from '../../contract/index.ts';
import type { Template } from './template.ts';

/** Who asked within this time may ask again. */
export const DEMAND_WINDOW_MS = 5 * 60_000;
/** As many as came within this time, at the most, are kept ready: by then others have been started. What takes longer to start has to last longer. */
const BURST_MS: Readonly<Record<Isolation, number>> = { container: 3_000, gvisor: 9_000, microvm: 9_000 };
/** After each such time without its like, half as many of a burst are kept. */
const HALVING_MS = 60_000;
/** What was asked for once may never be asked for again, and a box kept for nobody costs what the one that was asked for did. */
const MIN_TIMES = 2;
const MAX_TIMES = 512;
const MAX_TEMPLATES = 32;

export interface Wanted {
  readonly template: Template;
  readonly count: number;
}

interface Asked {
  readonly template: Template;
  readonly timesMs: number[];
}

/** Which boxes were asked for lately, and how many at a time. */
export class Demand {
  readonly #asked = new Map<string, Asked>();

  note(template: Template, nowMs: number): void {
    const asked = this.#asked.get(template.key) ?? { template, timesMs: [] };
    // Last in the map is what was asked for last.
    this.#asked.delete(template.key);
    this.#asked.set(template.key, asked);
    asked.timesMs.push(nowMs);
    if (asked.timesMs.length > MAX_TIMES) {
      asked.timesMs.shift();
    }
    const [oldest] = this.#asked.keys();
    if (this.#asked.size > MAX_TEMPLATES && oldest !== undefined) {
      this.#asked.delete(oldest);
    }
  }

  /** Nobody can ask any more for what stands on this layer. */
  forget(layer: string): void {
    for (const [key, { template }] of this.#asked) {
      if (template.image.layers.some(({ path }) => path === layer)) {
        this.#asked.delete(key);
      }
    }
  }

  /** How many of what should wait ready, most wanted first. Nothing for what was asked for only once. */
  wanted(nowMs: number): Wanted[] {
    const all: Array<Wanted & { readonly total: number }> = [];
    for (const [key, { template, timesMs }] of this.#asked) {
      while ((timesMs[0] ?? nowMs) < nowMs - DEMAND_WINDOW_MS) {
        timesMs.shift();
      }
      if (timesMs.length === 0) {
        this.#asked.delete(key);
      } else if (timesMs.length >= MIN_TIMES) {
        const count = burst(timesMs, nowMs, BURST_MS[template.isolation]);
        all.push({ template, count, total: timesMs.length });
      }
    }
    return all.sort((one, other) => other.total - one.total);
  }
}

/** Most times within one `burstMs`; those of long ago count less and less, but for one. */
function burst(timesMs: readonly number[], nowMs: number, burstMs: number): number {
  let most = 0;
  let first = 0;
  timesMs.forEach((timeMs, index) => {
    while ((timesMs[first] ?? timeMs) <= timeMs - burstMs) {
      first++;
    }
    const halvings = Math.floor((nowMs - timeMs) / HALVING_MS);
    most = Math.max(most, Math.ceil((index - first + 1) / 2 ** halvings));
  });
  return most;
}
