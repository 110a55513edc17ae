import type { ServerResponse } from 'node:http';
import { translateError } from '../errors/translate.ts';
import type { RequestScope } from './context.ts';
import { breakOff } from './response-state.ts';
import { ClientGone, endStream, writeChunk } from './stream-out.ts';

export interface SseOptions {
  /** Time between `: ping` comments when nothing else is sent. */
  readonly heartbeatMs?: number;
  readonly stallTimeoutMs?: number;
}

const defaultHeartbeatMs = 10_000;

const nothing = Symbol('nothing yet');

/** Frame of one event. JSON never holds a raw line break, so one data line is enough. */
const dataFrame = (value: unknown): string => `data: ${JSON.stringify(value)}\n\n`;

const errorFrame = (status: number, message: string): string =>
  `event: error\n${dataFrame({ code: status, message: message.replaceAll(/\s+/g, ' ') })}`;

/** Tells the client to come back and go on where it was (API §2.6). */
const reconnectFrame = errorFrame(408, 'the stream was interrupted, reconnect to go on');

/**
 * Sends server-sent events: head at once, an event for each value, comments while idle. Ends cleanly with the iterable; what the iterable
 * throws becomes an `error` event with its status; a server that shuts down says 408, which makes clients resume.
 */
export const sendEvents = async (
  response: ServerResponse,
  events: AsyncIterable<unknown>,
  scope: Pick<RequestScope, 'signal' | 'closing' | 'requestId' | 'log'>,
  options: SseOptions = {},
): Promise<void> => {
  const { signal, closing } = scope;
  const iterator = events[Symbol.asyncIterator]();
  const send = (frame: string): Promise<void> => writeChunk(response, frame, signal, options.stallTimeoutMs);
  response.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache, no-transform',
    'x-accel-buffering': 'no',
  });
  response.flushHeaders();
  const idle = idleTimer(options.heartbeatMs ?? defaultHeartbeatMs, [signal, closing]);
  try {
    let next = iterator.next();
    while (!signal.aborted && !closing.aborted) {
      const result = await Promise.race([next, idle.tick()]);
      if (typeof result === 'symbol') {
        if (!signal.aborted && !closing.aborted) {
          await send(': ping\n\n');
        }
        continue;
      }
      if (result.done === true) {
        await endStream(response, signal, options.stallTimeoutMs);
        return;
      }
      await send(dataFrame(result.value));
      next = iterator.next();
    }
    next.catch(() => undefined);
    await send(reconnectFrame);
    await endStream(response, signal, options.stallTimeoutMs);
  } catch (thrown) {
    if (thrown instanceof ClientGone || signal.aborted) {
      breakOff(response);
      return;
    }
    const error = translateError(thrown, scope.requestId);
    if (error.code === 'internal') {
      scope.log.error({ err: thrown, requestId: scope.requestId }, 'stream failed');
    }
    await send(errorFrame(error.status, error.message)).catch(() => undefined);
    await endStream(response, signal, options.stallTimeoutMs).catch(() => undefined);
  } finally {
    idle.stop();
    // Not awaited: a generator that waits for its source ends when it sees the signal.
    iterator.return?.().catch(() => undefined);
  }
};

/** One timer and one pair of listeners for the life of a stream; each `tick()` resolves after the pause or when a signal is aborted. */
const idleTimer = (pauseMs: number, signals: readonly AbortSignal[]) => {
  let wake: () => void = () => undefined;
  const onAbort = (): void => wake();
  const timer = setTimeout(() => wake(), pauseMs);
  for (const signal of signals) {
    signal.addEventListener('abort', onAbort);
  }
  return {
    tick: (): Promise<typeof nothing> =>
      new Promise((resolve) => {
        wake = () => resolve(nothing);
        timer.refresh();
      }),
    stop: (): void => {
      clearTimeout(timer);
      for (const signal of signals) {
        signal.removeEventListener('abort', onAbort);
      }
    },
  };
};
