import { setTimeout as sleep } from 'node:timers/promises';
import { Random } from '../chaos/random.ts';
import type { Platform } from '../platform/platform.ts';
import type { ModelBox } from './expectation.ts';
import { killBox, killHelper, killRuntime } from './victims.ts';

/** Who can be killed; the likelier ones are named more often. `all` is server, host and database at once; `box` a process of the box at hand. */
const victims = [
  'server',
  'server',
  'host',
  'host',
  'host',
  'helper',
  'helper',
  'postgres',
  'runtime',
  'runtime',
  'box',
  'box',
  'all',
] as const;
type Victim = (typeof victims)[number];

/** A kill that is to happen while an operation runs. */
export interface Plan {
  readonly victim: Victim;
  readonly afterMs: number;
  readonly downMs: number;
  /** Set when it dies again this long after it was started. */
  readonly againMs: number | undefined;
  readonly seed: number;
}

/** Always takes as much of the stream, whatever it draws. */
export function drawAccident(random: Random, share: number): Plan | undefined {
  const isDue = random.next() < share;
  const victim = random.pick(victims);
  const isSlow = random.next() < 0.4;
  const plan = {
    victim,
    afterMs: random.between(0, isSlow ? 1_500 : 200),
    downMs: random.between(0, 300),
    againMs: random.next() < 0.2 ? random.between(20, 400) : undefined,
    seed: random.between(0, 2 ** 32),
  };
  return isDue ? plan : undefined;
}

export const describePlan = ({ victim, afterMs }: Plan): string => `${victim} killed after ${afterMs} ms`;

/** Kills processes of the platform and starts again what does not come back by itself; one after the other, whoever asks. */
export class Accidents {
  readonly counts: Partial<Record<Victim, number>> = {};
  readonly #platform: Platform;
  #last: Promise<unknown> = Promise.resolve();
  #disturbedMs = Number.NEGATIVE_INFINITY;
  #disturbing = 0;

  constructor(platform: Platform) {
    this.#platform = platform;
  }

  /** Whether host, helper or a runtime was killed, or was still down, since this time. */
  isDisturbed(since: number): boolean {
    return this.#disturbing > 0 || this.#disturbedMs >= since;
  }

  /** @returns whether a process of the box itself was killed */
  async happen(plan: Plan, box: ModelBox | undefined): Promise<boolean> {
    await sleep(plan.afterMs);
    const turn = this.#last.then(() => this.#kill(plan, box));
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  async #kill(plan: Plan, box: ModelBox | undefined): Promise<boolean> {
    const disturbs = plan.victim !== 'server' && plan.victim !== 'postgres' && plan.victim !== 'box';
    this.#disturbing += disturbs ? 1 : 0;
    try {
      const isDone = await this.#strike(plan, box);
      if (isDone) {
        this.counts[plan.victim] = (this.counts[plan.victim] ?? 0) + 1;
      }
      return isDone && plan.victim === 'box';
    } finally {
      if (disturbs) {
        this.#disturbing -= 1;
        this.#disturbedMs = performance.now();
      }
    }
  }

  async #strike(plan: Plan, box: ModelBox | undefined): Promise<boolean> {
    const platform = this.#platform;
    switch (plan.victim) {
      case 'helper':
        return killHelper(platform);
      case 'runtime':
        return killRuntime(platform);
      case 'box':
        return box !== undefined && killBox(platform, box.id, new Random(plan.seed));
      case 'all':
        return this.#fell(['server', 'host', 'postgres'], plan);
      default:
        return this.#fell([plan.victim], plan);
    }
  }

  async #fell(names: ReadonlyArray<'server' | 'host' | 'postgres'>, { downMs, againMs }: Plan): Promise<boolean> {
    const platform = this.#platform;
    await Promise.all(names.map((name) => platform.kill(name)));
    await sleep(downMs);
    const [first] = names;
    if (againMs !== undefined && names.length === 1 && first !== undefined && first !== 'postgres') {
      const starting = platform.restart(first).catch(() => undefined);
      await sleep(againMs);
      await platform.kill(first);
      await starting;
    }
    // The server says that it is ready only when the others are.
    for (const name of names.toReversed()) {
      await platform.restart(name);
    }
    return true;
  }
}
