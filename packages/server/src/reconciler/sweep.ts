import type { Logger } from 'pino';

export interface SweepParts {
  readonly name: string;
  readonly run: () => Promise<void>;
  readonly log: Logger;
}

/** Looks at everything once somebody says that something has changed. Many announcements at once make one look, and one more after it. */
export class Sweep {
  readonly #parts: SweepParts;
  #running: Promise<void> | undefined;
  #again = false;
  #stopped = false;

  constructor(parts: SweepParts) {
    this.#parts = parts;
  }

  soon(): void {
    if (this.#stopped) {
      return;
    }
    if (this.#running !== undefined) {
      this.#again = true;
      return;
    }
    this.#running = this.#parts
      .run()
      .catch((error: unknown) => this.#parts.log.warn({ err: error, sweep: this.#parts.name }, 'sweep failed'))
      .finally(() => {
        this.#running = undefined;
        if (this.#again) {
          this.#again = false;
          this.soon();
        }
      });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }
}
