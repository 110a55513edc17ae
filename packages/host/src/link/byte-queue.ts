import type { HostError } from '../contract/index.ts';

/** Bytes between a stream that brings them and a consumer that asks for them. Bounded by the stream's credit. */
export class ByteQueue implements AsyncIterable<Uint8Array> {
  #chunks: Buffer[] = [];
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

  push(bytes: Buffer): void {
    this.#chunks.push(bytes);
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
        const chunks = this.#chunks;
        this.#chunks = [];
        for (const chunk of chunks) {
          yield chunk;
          this.#takenBytes += chunk.length;
          this.#onTaken(this.#takenBytes);
        }
        if (this.#chunks.length > 0) {
          continue;
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
      this.#onStopped();
    }
  }

  #notify(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}
