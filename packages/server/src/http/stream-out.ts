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
 * Writes bytes that are lent: resolves when the connection has taken them all. Drops a client that stalls and rejects with {@link ClientGone}.
 */
const writeLent = (
  response: ServerResponse,
  chunk: Uint8Array,
  signal: AbortSignal,
  stallTimeoutMs: number,
): Promise<void> =>
  new Promise((resolve, reject) => {
    const gone = (): void => {
      settle();
      breakOff(response);
      reject(new ClientGone());
    };
    const settle = (): void => {
      clearTimeout(stalled);
      signal.removeEventListener('abort', gone);
    };
    const stalled = setTimeout(gone, stallTimeoutMs);
    if (signal.aborted || response.destroyed) {
      gone();
      return;
    }
    signal.addEventListener('abort', gone, { once: true });
    response.write(chunk, (error) => {
      if (error) {
        gone();
      } else {
        settle();
        resolve();
      }
    });
  });

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
  try {
    for await (const chunk of chunks) {
      await writeLent(response, chunk, signal, stallTimeoutMs);
    }
    await endStream(response, signal, stallTimeoutMs);
  } catch (error) {
    breakOff(response);
    throw error;
  }
};
