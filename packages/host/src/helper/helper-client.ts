import { HelperError } from './helper-error.ts';
import { type HelperArgs, type HelperCommand, HelperProcess, type HelperResult } from './helper-process.ts';
import type { HelperEvent } from './protocol.ts';

const FIRST_RETRY_MS = 20;
const LAST_RETRY_MS = 2_000;
/** A life this long makes the next restart an immediate one again. */
const STEADY_MS = 5_000;
const MAX_ATTEMPTS = 5;

/** Not safe to send twice: a box may have been started, a runtime have done as told, before the answer was lost. */
const notRepeatable: ReadonlySet<HelperCommand> = new Set(['boxStart', 'boxJoin', 'runtimeRun']);

export interface HelperClientOptions {
  readonly binary: string;
  readonly onEvent: (event: HelperEvent) => void;
  /** Prepares each life (network, watches) before other commands are sent to it. */
  readonly onStart: (helper: HelperProcess) => Promise<void>;
  readonly onExit: (reason: string) => void;
}

/**
 * The helper, kept alive: when it dies it is started again with back-off, prepared, and commands in flight that may be repeated are sent again.
 * `boxStart` and `runtimeRun` are not: they reject with {@link HelperError} `lost`.
 */
export class HelperClient {
  readonly #options: HelperClientOptions;
  #ready: Promise<HelperProcess>;
  #current: HelperProcess | undefined;
  #retryMs = 0;
  #closed = false;

  constructor(options: HelperClientOptions) {
    this.#options = options;
    this.#ready = this.#start();
    this.#ready.catch(() => undefined);
  }

  /** Resolves when the first life is prepared; rejects when it could not be. */
  async started(): Promise<void> {
    await this.#ready;
  }

  get pid(): number | undefined {
    return this.#current?.pid;
  }

  async call<C extends HelperCommand>(command: C, args: HelperArgs<C>): Promise<HelperResult<C>> {
    for (let attempt = 1; ; attempt++) {
      try {
        const helper = await this.#ready;
        return await helper.call(command, args);
      } catch (error) {
        const lost = error instanceof HelperError && error.code === 'lost';
        if (!lost || this.#closed || notRepeatable.has(command) || attempt >= MAX_ATTEMPTS) {
          throw error;
        }
      }
    }
  }

  /** Whether it was told to end: no call can succeed any more. */
  get closed(): boolean {
    return this.#closed;
  }

  close(): void {
    this.#closed = true;
    this.#current?.close();
  }

  #start(): Promise<HelperProcess> {
    const startedMs = performance.now();
    const helper = new HelperProcess(this.#options.binary, this.#options.onEvent, (reason) => {
      if (this.#closed) {
        return;
      }
      this.#options.onExit(reason);
      const steady = performance.now() - startedMs > STEADY_MS;
      this.#restart(steady ? 0 : this.#retryMs);
      this.#retryMs = steady ? 0 : Math.min(Math.max(FIRST_RETRY_MS, this.#retryMs * 2), LAST_RETRY_MS);
    });
    this.#current = helper;
    return this.#options.onStart(helper).then(
      () => helper,
      (error: unknown) => {
        // A life that could not be prepared is of no use; the next one may fare better.
        helper.kill();
        throw error;
      },
    );
  }

  #restart(afterMs: number): void {
    const { promise, resolve, reject } = Promise.withResolvers<HelperProcess>();
    promise.catch(() => undefined);
    this.#ready = promise;
    setTimeout(() => {
      if (this.#closed) {
        reject(new HelperError('lost', 'the host is closing'));
      } else {
        this.#start().then(resolve, reject);
      }
    }, afterMs);
  }
}
