import type { ServerResponse } from 'node:http';
import http2, { type Http2ServerResponse } from 'node:http2';

/** The compatibility layer of HTTP/2 gives responses of another class under the same type. */
const streamOf = (response: ServerResponse): Http2ServerResponse['stream'] | undefined =>
  'stream' in response ? (response.stream as Http2ServerResponse['stream'] | undefined) : undefined;

/** Whether the whole answer was handed over. On HTTP/2 a cancelled answer counts as finished for Node: the reset code tells. */
export const isComplete = (response: ServerResponse): boolean =>
  response.writableEnded && response.writableFinished && (streamOf(response)?.rstCode ?? 0) === 0;

/**
 * Ends the answer so that the client cannot take what it has for the whole: HTTP/1 breaks the connection, HTTP/2 resets the stream with an
 * error (a plain destroy would say that all is well).
 */
export const breakOff = (response: ServerResponse): void => {
  const stream = streamOf(response);
  if (stream === undefined) {
    response.destroy();
  } else if (!stream.closed) {
    stream.close(http2.constants.NGHTTP2_INTERNAL_ERROR);
  }
};
