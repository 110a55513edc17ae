import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Devbox } from '../devboxes/devbox.ts';

interface Worker {
  /** Asked for again while at work. */
  again: boolean;
  interrupt: AbortController;
}

export interface WorkersParts {
  /** Brings one box to where it should be. Interrupted waits may throw whatever they like. */
  readonly work: (id: string, signal: AbortSignal, attempt: number, box: Devbox | undefined) => Promise<void>;
  readonly log: Logger;
  /** First pause after a failure; doubles up to {@link longestPauseMs}. */
  readonly firstPauseMs?: number;
}

const longestPauseMs = 5_000;

/** One worker a box, never two: it works until the box is settled, and tries again after failures for as long as it takes. */
export class Workers {
  readonly #parts: WorkersParts;
  readonly #workers = new Map<string, Worker>();
  readonly #runs = new Set<Promise<void>>();
  readonly #stopping = new AbortController();

  constructor(parts: WorkersParts) {
    this.#parts = parts;
  }

  /** Whether somebody works on the box. */
  has(id: string): boolean {
    return this.#workers.has(id);
  }

  get size(): number {
    return this.#workers.size;
  }

  /** Has the box looked at now: starts a worker, or cuts short what the present one waits for. `box` as it was just written spares a look. */
  nudge(id: string, box?: Devbox): void {
    if (this.#stopping.signal.aborted) {
      return;
    }
    const present = this.#workers.get(id);
    if (present !== undefined) {
      present.again = true;
      present.interrupt.abort();
      return;
    }
    const worker: Worker = { again: false, interrupt: new AbortController() };
    this.#workers.set(id, worker);
    const run = this.#run(id, worker, box).finally(() => this.#runs.delete(run));
    this.#runs.add(run);
  }

  /** Interrupts all and resolves when nobody works any more. What is half done is taken up by the next start. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    for (const worker of this.#workers.values()) {
      worker.interrupt.abort();
    }
    await Promise.allSettled(this.#runs);
  }

  async #run(id: string, worker: Worker, first: Devbox | undefined): Promise<void> {
    let box = first;
    let failures = 0;
    let settled = false;
    while (!settled && !this.#stopping.signal.aborted) {
      worker.again = false;
      worker.interrupt = new AbortController();
      const { signal } = worker.interrupt;
      try {
        const known = box;
        box = undefined;
        await this.#parts.work(id, signal, failures, known);
        failures = 0;
        settled = !worker.again;
      } catch (error) {
        if (!signal.aborted) {
          failures += 1;
          this.#parts.log.warn({ err: error, devboxId: id, failures }, 'devbox not settled, trying again');
          await this.#pause(failures, signal);
        }
      }
    }
    this.#workers.delete(id);
  }

  async #pause(failures: number, signal: AbortSignal): Promise<void> {
    const first = this.#parts.firstPauseMs ?? 100;
    await delay(Math.min(first * 2 ** (failures - 1), longestPauseMs), undefined, { signal, ref: false }).catch(
      () => undefined,
    );
  }
}
