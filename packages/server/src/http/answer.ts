import type { ServerResponse } from 'node:http';
import { isSchema, type SpecialResponse } from '@berth/contract';
import type { Exchange } from './exchange.ts';
import { breakOff } from './response-state.ts';
import type { BytesAnswer } from './route.ts';
import { sendEvents } from './sse.ts';
import { ClientGone, endStream, sendChunks, writeChunk } from './stream-out.ts';

/** Sends one JSON text. */
export const sendJson = (
  response: ServerResponse,
  status: number,
  text: string,
  headers: Readonly<Record<string, string>> = {},
): void => {
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(text),
    ...headers,
  });
  response.end(text);
};

const isBytesAnswer = (value: unknown): value is BytesAnswer =>
  typeof value === 'object' && value !== null && 'chunks' in value;

const sendBytes = async (
  response: ServerResponse,
  exchange: Exchange,
  answer: BytesAnswer,
  contentType: string,
): Promise<void> => {
  response.writeHead(200, {
    ...answer.headers,
    'content-type': contentType,
    ...(answer.sizeBytes === undefined ? {} : { 'content-length': answer.sizeBytes }),
  });
  response.flushHeaders();
  await sendChunks(response, answer.chunks, exchange.signal);
};

/** Sends what a handler returned for one of the special shapes. Resolves when all is handed over or the client is gone. */
export const sendSpecial = async (
  response: ServerResponse,
  exchange: Exchange,
  shape: SpecialResponse,
  value: unknown,
): Promise<void> => {
  try {
    if (shape.kind === 'sse') {
      await sendEvents(response, value as AsyncIterable<unknown>, exchange);
    } else if (isBytesAnswer(value)) {
      const text = 'text/plain; charset=utf-8';
      const bytes = shape.kind === 'bytes' ? (shape.contentType ?? 'application/octet-stream') : text;
      await sendBytes(response, exchange, value, value.contentType ?? bytes);
    } else {
      const text = Buffer.from(String(value));
      response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8', 'content-length': text.length });
      await writeChunk(response, text, exchange.signal);
      await endStream(response, exchange.signal);
    }
  } catch (error) {
    breakOff(response);
    if (!(error instanceof ClientGone)) {
      exchange.log.warn({ err: error, requestId: exchange.requestId }, 'answer broken off');
    }
  }
};

/** Whether the answer is one JSON value that can be remembered. */
export const isJsonAnswer = (shape: Parameters<typeof isSchema>[0] | SpecialResponse): boolean =>
  isSchema(shape) || shape.kind === 'empty';
