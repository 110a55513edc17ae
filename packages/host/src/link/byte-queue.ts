import type { HostError } from '../contract/index.ts';
import { LendingQueue } from '../streams/lending-queue.ts';

/**
 * Bytes between a stream that brings them and a consumer that asks for them. Bounded by the stream's credit. What is handed out is lent: valid until
 * more is asked for.
 */
export class ByteQueue implements AsyncIterable<Uint8Array> {
  readonly #bytes = new LendingQueue();
  #takenBytes = 0;
  #ended = false;
  #failure: HostError | undefined;
  #wake: (() => void) | undefined;
  readonly #onTaken: (takenBytes: number) => void;
  readonly #onStopped: () => void;

  /**
   * @param onTaken the consumer has taken everything below this offset
   * @param onStopped the consumer wants no more (or has all)
   */
  constructor(onTaken: (takenBytes: number) => void, onStopped: () => void) {
    this.#onTaken = onTaken;
    this.#onStopped = onStopped;
  }

  /** Takes a copy. */
  push(bytes: Buffer): void {
    this.#bytes.push(bytes);
    this.#notify();
  }

  /** Nothing will follow. */
  end(): void {
    this.#ended = true;
    this.#notify();
  }

  /** What is there is handed out, then this error. */
  fail(error: HostError): void {
    this.#failure ??= error;
    this.#notify();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    try {
      for (;;) {
        for (let piece = this.#bytes.lend(); piece !== undefined; piece = this.#bytes.lend()) {
          yield piece;
          this.#takenBytes += piece.length;
          this.#onTaken(this.#takenBytes);
        }
        if (this.#failure !== undefined) {
          throw this.#failure;
        }
        if (this.#ended) {
          return;
        }
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    } finally {
      this.#bytes.clear();
      this.#onStopped();
    }
  }

  #notify(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}
