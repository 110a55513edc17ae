import { setTimeout as delay } from 'node:timers/promises';
import type { Host, HostEvent } from '@berth/host/contract';
import type { Logger } from 'pino';

export interface HostWatchParts {
  readonly host: Host;
  readonly log: Logger;
  /** Called on every connection, with events flowing already: what happened before is found by comparing. */
  readonly onConnected: () => Promise<void>;
  readonly onEvent: (event: HostEvent) => void;
  readonly firstPauseMs?: number;
}

const longestPauseMs = 2_000;

/** Follows the events of the host, and connects again whenever the stream ends. */
export class HostWatch {
  readonly #parts: HostWatchParts;
  readonly #stopping = new AbortController();
  #run: Promise<void> | undefined;
  #connected = false;

  constructor(parts: HostWatchParts) {
    this.#parts = parts;
  }

  /** Whether events flow and the last comparison succeeded. */
  get connected(): boolean {
    return this.#connected;
  }

  start(): void {
    this.#run = this.#follow();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#run;
  }

  async #follow(): Promise<void> {
    const { signal } = this.#stopping;
    const first = this.#parts.firstPauseMs ?? 50;
    for (
      let pauseMs = first;
      !signal.aborted;
      pauseMs = this.#connected ? first : Math.min(pauseMs * 2, longestPauseMs)
    ) {
      this.#connected = false;
      try {
        await this.#connection();
      } catch (error) {
        if (!signal.aborted) {
          this.#parts.log.warn({ err: error }, 'the host cannot be followed, trying again');
        }
      }
      await delay(pauseMs, undefined, { signal, ref: false }).catch(() => undefined);
    }
    this.#connected = false;
  }

  async #connection(): Promise<void> {
    const over = new AbortController();
    const events = this.#parts.host
      .events(AbortSignal.any([this.#stopping.signal, over.signal]))
      [Symbol.asyncIterator]();
    try {
      // Asked for before the comparison, so that nothing falls between the two.
      let next = events.next();
      next.catch(() => undefined);
      await this.#parts.onConnected();
      this.#connected = true;
      for (let result = await next; result.done !== true; result = await next) {
        this.#parts.onEvent(result.value);
        next = events.next();
      }
    } finally {
      over.abort();
      events.return?.().catch(() => undefined);
    }
  }
}
