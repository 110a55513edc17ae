import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { breakOff } from './response-state.ts';

/** A client that takes nothing for this long is dropped. */
export const defaultStallTimeoutMs = 60_000;

/** Thrown when the client is gone or does not read. There is nobody to answer. */
export class ClientGone extends Error {
  override readonly name = 'ClientGone';
}

/** Writes with back-pressure: resolves when there is room for more. Drops a client that stalls and rejects with {@link ClientGone}. */
export const writeChunk = async (
  response: ServerResponse,
  chunk: Uint8Array | string,
  signal: AbortSignal,
  stallTimeoutMs: number = defaultStallTimeoutMs,
): Promise<void> => {
  if (signal.aborted || response.destroyed) {
    throw new ClientGone();
  }
  if (response.write(chunk)) {
    return;
  }
  const stalled = AbortSignal.timeout(stallTimeoutMs);
  try {
    await once(response, 'drain', { signal: AbortSignal.any([signal, stalled]) });
  } catch {
    breakOff(response);
    throw new ClientGone();
  }
};

/**
 * Writes bytes that are lent, one piece after another. One timer and one listener watch for all of them: made anew for each piece of a long answer,
 * they would cost as much as the writing.
 */
class LentWriter {
  readonly #response: ServerResponse;
  readonly #signal: AbortSignal;
  readonly #stalled: NodeJS.Timeout;
  #reject: ((error: ClientGone) => void) | undefined;

  constructor(response: ServerResponse, signal: AbortSignal, stallTimeoutMs: number) {
    this.#response = response;
    this.#signal = signal;
    this.#stalled = setTimeout(this.#gone, stallTimeoutMs);
    signal.addEventListener('abort', this.#gone, { once: true });
  }

  /** Resolves when the connection has taken them all. Drops a client that stalls and rejects with {@link ClientGone}. */
  write(chunk: Uint8Array): Promise<void> {
    this.#stalled.refresh();
    return new Promise((resolve, reject) => {
      this.#reject = reject;
      if (this.#signal.aborted || this.#response.destroyed) {
        this.#gone();
        return;
      }
      this.#response.write(chunk, (error) => {
        if (error) {
          this.#gone();
        } else {
          this.#reject = undefined;
          resolve();
        }
      });
    });
  }

  close(): void {
    clearTimeout(this.#stalled);
    this.#signal.removeEventListener('abort', this.#gone);
  }

  /** Nothing happens where nothing is being written: the next piece finds out. */
  readonly #gone = (): void => {
    if (this.#reject !== undefined) {
      breakOff(this.#response);
      this.#reject(new ClientGone());
      this.#reject = undefined;
    }
  };
}

/** Ends the answer and resolves when the last byte is handed over; drops a client that stalls. */
export const endStream = async (
  response: ServerResponse,
  signal: AbortSignal,
  stallTimeoutMs: number = defaultStallTimeoutMs,
): Promise<void> => {
  if (signal.aborted || response.destroyed) {
    throw new ClientGone();
  }
  const stalled = AbortSignal.timeout(stallTimeoutMs);
  const finished = once(response, 'finish', { signal: AbortSignal.any([signal, stalled]) });
  response.end();
  try {
    await finished;
  } catch {
    breakOff(response);
    throw new ClientGone();
  }
};

/** Sends all chunks, each of them lent, after the head has been written. Any failure breaks the connection, so that a short answer never looks whole. */
export const sendChunks = async (
  response: ServerResponse,
  chunks: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
  stallTimeoutMs: number = defaultStallTimeoutMs,
): Promise<void> => {
  const writer = new LentWriter(response, signal, stallTimeoutMs);
  try {
    for await (const chunk of chunks) {
      await writer.write(chunk);
    }
    await endStream(response, signal, stallTimeoutMs);
  } catch (error) {
    breakOff(response);
    throw error;
  } finally {
    writer.close();
  }
};
