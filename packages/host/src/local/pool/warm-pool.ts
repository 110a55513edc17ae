import type { Isolation, PoolFigures } from '../../contract/index.ts';
import type { Log } from '../host-parts.ts';
import { Demand } from './demand.ts';
import { type Kept, planPool } from './plan.ts';
import type { Template } from './template.ts';

/** What the pool has others do. */
export interface PoolWorks {
  /** Starts a box of the template in this place, until its guest is configured. */
  start(place: string, template: Template): Promise<void>;
  /** Ends the box in this place and removes every trace of it. Repeatable. */
  discard(place: string): Promise<void>;
  newPlace(): string;
  /** Whether the box in this place can be given away: it lives, and its guest is connected. */
  isUsable(place: string): boolean;
  /** Whether a create that the pool could not serve is being worked on. */
  isBusy(): boolean;
  memoryOf(place: string): Promise<number>;
  availableBytes(): Promise<number>;
}

export interface WarmPoolOptions {
  readonly works: PoolWorks;
  readonly log: Log;
  readonly budgetBytes: number;
  /** Below this much available memory of the machine nothing is started, below half of it all is given up. */
  readonly reserveBytes: number;
  startsAtOnce(isolation: Isolation): number;
}

const TICK_MS = 2_000;
/** Whoever has just taken a box works with it first: another is started after this time. */
const YIELD_MS = 25;
const FIRST_COST_BYTES: Readonly<Record<Isolation, number>> = {
  container: 8 * 2 ** 20,
  gvisor: 64 * 2 ** 20,
  microvm: 256 * 2 ** 20,
};
/** After this many failed starts in a row it waits for the next tick. */
const MAX_FAILURES = 3;

/**
 * Boxes that wait started for whoever asks for their like. An optimisation, never a condition: without one a create takes its usual way. Each box
 * leaves once, to one create, and never comes back.
 */
export class WarmPool {
  readonly #options: WarmPoolOptions;
  readonly #demand = new Demand();
  readonly #ready = new Map<string, Kept & { readonly sinceMs: number }>();
  readonly #starting = new Map<string, { readonly box: Kept; readonly done: Promise<void> }>();
  readonly #leaving = new Map<string, Promise<void>>();
  readonly #doomed = new Set<string>();
  readonly #costs = new Map<Isolation, number>();
  readonly #timer: NodeJS.Timeout;
  #yielding: NodeJS.Timeout | undefined;
  #hits = 0;
  #misses = 0;
  #failures = 0;
  #filling: Promise<void> | undefined;
  #again = false;
  #closed = false;

  constructor(options: WarmPoolOptions) {
    this.#options = options;
    this.#timer = setInterval(() => {
      this.#failures = 0;
      this.wake();
    }, TICK_MS).unref();
  }

  /** Takes a box out for a create of this template, for good. The oldest that can be used; those that cannot are given up. */
  take(template: Template): string | undefined {
    this.#demand.note(template, performance.now());
    for (const box of this.#ready.values()) {
      if (box.template.key !== template.key) {
        continue;
      }
      this.#ready.delete(box.place);
      if (this.#options.works.isUsable(box.place)) {
        this.#hits++;
        this.#yielding ??= setTimeout(() => {
          this.#yielding = undefined;
          this.wake();
        }, YIELD_MS).unref();
        return box.place;
      }
      this.#discard(box.place);
    }
    this.#misses++;
    return undefined;
  }

  /** A box in the pool has ended by itself, or turned out to be of no use. */
  lose(place: string): void {
    this.#ready.delete(place);
    this.#discard(place);
  }

  /** Gives up every box that stands on this layer. */
  async release(layer: string): Promise<void> {
    this.#demand.forget(layer);
    const standsOnIt = ({ template }: Kept) => template.image.layers.some(({ path }) => path === layer);
    for (const box of [...this.#ready.values()].filter(standsOnIt)) {
      this.lose(box.place);
    }
    await this.#giveUp([...this.#starting.values()].filter(({ box }) => standsOnIt(box)));
  }

  /** Something has changed: looks what to start and what to give up. */
  wake(): void {
    if (this.#filling) {
      this.#again = true;
      return;
    }
    this.#filling = this.#fill()
      .catch((error: unknown) => this.#options.log.error({ error: String(error) }, 'the pool could not be filled'))
      .finally(() => {
        this.#filling = undefined;
        if (this.#again) {
          this.#again = false;
          this.wake();
        }
      });
  }

  async figures(): Promise<PoolFigures> {
    const ready = [...this.#ready.values()];
    const memory = await Promise.all(ready.map(({ place }) => this.#options.works.memoryOf(place)));
    const sinceMs = Math.min(...ready.map((box) => box.sinceMs));
    return {
      ready: ready.length,
      hits: this.#hits,
      misses: this.#misses,
      oldestMs: ready.length === 0 ? 0 : Math.round(performance.now() - sinceMs),
      memoryBytes: memory.reduce((total, bytes) => total + bytes, 0),
    };
  }

  /** Ends every box that waits. Nothing is started any more. */
  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#timer);
    clearTimeout(this.#yielding);
    for (const place of [...this.#ready.keys()]) {
      this.lose(place);
    }
    await this.#filling;
    await this.#giveUp([...this.#starting.values()]);
  }

  /** Ends boxes on their way into the pool, and waits for all that leave. */
  async #giveUp(coming: ReadonlyArray<{ readonly box: Kept; readonly done: Promise<void> }>): Promise<void> {
    for (const { box } of coming) {
      this.#doomed.add(box.place);
      this.#discard(box.place);
    }
    await Promise.all(coming.map(({ done }) => done));
    await Promise.all(this.#leaving.values());
  }

  async #fill(): Promise<void> {
    const { works, budgetBytes, reserveBytes } = this.#options;
    const availableBytes = await works.availableBytes();
    if (this.#closed) {
      return;
    }
    const coming = [...this.#starting.values()].map(({ box }) => box);
    const wanted = availableBytes < reserveBytes / 2 ? [] : this.#demand.wanted(performance.now());
    // Older ones first, so that newer ones go when there are too many.
    const { start, drop } = planPool(wanted, [...this.#ready.values(), ...coming], budgetBytes, (isolation) =>
      this.#costOf(isolation),
    );
    for (const { place } of drop) {
      if (this.#ready.has(place)) {
        this.lose(place);
      }
    }
    for (const template of start) {
      const mayStart = !works.isBusy() && availableBytes >= reserveBytes && this.#failures < MAX_FAILURES;
      if (!mayStart || this.#starting.size >= this.#options.startsAtOnce(template.isolation)) {
        break;
      }
      this.#start(template);
    }
  }

  #start(template: Template): void {
    const { works, log } = this.#options;
    const box: Kept = { place: works.newPlace(), template };
    const started = async () => {
      try {
        await works.start(box.place, template);
        this.#failures = 0;
        if (this.#closed || this.#doomed.has(box.place)) {
          this.#discard(box.place);
        } else {
          this.#ready.set(box.place, { ...box, sinceMs: performance.now() });
          this.#learnCost(template.isolation, await works.memoryOf(box.place));
        }
      } catch (error) {
        this.#failures++;
        log.warn({ place: box.place, error: String(error) }, 'a box for the pool did not start');
        this.#discard(box.place);
      } finally {
        this.#doomed.delete(box.place);
        this.#starting.delete(box.place);
        this.wake();
      }
    };
    this.#starting.set(box.place, { box, done: started() });
  }

  #discard(place: string): void {
    if (this.#leaving.has(place)) {
      return;
    }
    const gone = this.#options.works
      .discard(place)
      .catch((error: unknown) =>
        this.#options.log.error(
          { place, error: String(error) },
          'a pooled box could not be removed; the next start of the host does it',
        ),
      )
      .finally(() => this.#leaving.delete(place));
    this.#leaving.set(place, gone);
  }

  #costOf(isolation: Isolation): number {
    return this.#costs.get(isolation) ?? FIRST_COST_BYTES[isolation];
  }

  #learnCost(isolation: Isolation, bytes: number): void {
    this.#costs.set(isolation, Math.max(2 ** 20, this.#costOf(isolation) * 0.8 + bytes * 0.2));
  }
}
