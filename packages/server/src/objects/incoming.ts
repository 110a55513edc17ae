import type { ServerHttp2Stream } from 'node:http2';
import type { Readable } from 'node:stream';
import { passedOn } from '@berth/host/client';
import { apiError } from '../errors/api-error.ts';
import { Interruption } from '../files/interruption.ts';

/** A sender that sends nothing for this long is given up. */
const stallTimeoutMs = 60_000;

export interface IncomingBound {
  readonly limitBytes: number;
  /** What the head of the request says of the length, if it does. */
  readonly announcedBytes?: number;
  /** Aborted when the sender goes away. */
  readonly signal: AbortSignal;
}

/**
 * Whether what has ended was cut off: a stream of HTTP/2 that is reset ends like one that is whole. One that is whole stays open until its
 * answer is given.
 */
const isReset = (request: Readable): boolean => {
  if (!('stream' in request)) {
    return false;
  }
  const stream = request.stream as ServerHttp2Stream | undefined;
  return stream === undefined || stream.closed || stream.destroyed;
};

/**
 * The pieces of a request's body. What ends before its end throws `uploadBrokenOff`; what is longer than the bound `payloadTooLarge`; a sender
 * that stalls `requestTimeout`. The request is left whole, so that the answer can still be given.
 */
export async function* incoming(request: Readable, bound: IncomingBound): AsyncGenerator<Uint8Array> {
  const { limitBytes, announcedBytes, signal } = bound;
  if (announcedBytes !== undefined && announcedBytes > limitBytes) {
    throw apiError('payloadTooLarge', { limitBytes });
  }
  const pieces: AsyncIterator<Uint8Array> = request.iterator({ destroyOnReturn: false })[Symbol.asyncIterator]();
  const interruption = new Interruption();
  let isReading = true;
  const stall = setInterval(() => isReading && interruption.fail(apiError('requestTimeout')), stallTimeoutMs);
  const onGone = (): void => interruption.fail(apiError('uploadBrokenOff'));
  signal.addEventListener('abort', onGone);
  let sizeBytes = 0;
  try {
    for (;;) {
      isReading = true;
      stall.refresh();
      const next = await interruption.wait(pieces.next()).catch((error: unknown) => {
        throw error instanceof Error && 'code' in error && error.code === 'ECONNRESET'
          ? apiError('uploadBrokenOff', undefined, error)
          : error;
      });
      isReading = false;
      if (next.done === true) {
        break;
      }
      sizeBytes += next.value.byteLength;
      if (sizeBytes > limitBytes) {
        throw apiError('payloadTooLarge', { limitBytes });
      }
      yield next.value;
      passedOn(next.value.byteLength);
    }
  } finally {
    clearInterval(stall);
    signal.removeEventListener('abort', onGone);
  }
  if (signal.aborted || isReset(request) || (announcedBytes !== undefined && sizeBytes !== announcedBytes)) {
    throw apiError('uploadBrokenOff');
  }
}
