import type { Logger } from 'pino';

export interface AlarmParts {
  /** Does all that is due. */
  readonly run: () => Promise<void>;
  /** Time until something is due, by the database; undefined when nothing is. */
  readonly nextInMs: () => Promise<number | undefined>;
  readonly name: string;
  readonly log: Logger;
}

/** The database is asked again after this time at the latest: another server may have written an earlier deadline. */
const longestWaitMs = 30_000;
/** Two rounds are at least this far apart, so that what cannot be done now does not spin. */
const shortestWaitMs = 20;
const pauseAfterFailureMs = 1_000;

/** Wakes up when the next deadline of the database has come. A restart loses nothing: deadlines are rows. */
export class Alarm {
  readonly #parts: AlarmParts;
  #timer: NodeJS.Timeout | undefined;
  #dueAt = Number.POSITIVE_INFINITY;
  #round: Promise<void> | undefined;
  #stopped = false;

  constructor(parts: AlarmParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#set(0);
  }

  /** Something new is due in this time: earlier than what is known, perhaps. */
  within(inMs: number): void {
    if (performance.now() + inMs < this.#dueAt) {
      this.#set(inMs);
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#round;
  }

  #set(inMs: number): void {
    if (this.#stopped) {
      return;
    }
    clearTimeout(this.#timer);
    const waitMs = Math.min(Math.max(inMs, 0), longestWaitMs);
    this.#dueAt = performance.now() + waitMs;
    this.#timer = setTimeout(() => this.#ring(), waitMs);
    this.#timer.unref();
  }

  #ring(): void {
    if (this.#round !== undefined) {
      this.#set(shortestWaitMs);
      return;
    }
    this.#dueAt = Number.POSITIVE_INFINITY;
    this.#round = this.#work().finally(() => {
      this.#round = undefined;
    });
  }

  async #work(): Promise<void> {
    try {
      await this.#parts.run();
      const nextInMs = await this.#parts.nextInMs();
      this.within(Math.max(shortestWaitMs, nextInMs ?? longestWaitMs));
    } catch (error) {
      this.#parts.log.warn({ err: error, alarm: this.#parts.name }, 'deadlines not handled, trying again');
      this.within(pauseAfterFailureMs);
    }
  }
}
