import type { IncomingMessage } from 'node:http';
import { apiError } from '../errors/api-error.ts';
import { ClientGone } from './stream-out.ts';

/** Bound of a JSON body unless the route says otherwise. */
export const defaultBodyLimitBytes = 16 * 1024 * 1024;
/** A body that makes no progress for this long is given up. */
const defaultStallTimeoutMs = 30_000;
const maximumDepth = 64;

/**
 * Reads the whole body. Rejects with 413 beyond the limit, 408 when the sender stalls. What is left unread then is read away by the
 * server, so that a client which sends before it reads still gets to see the answer.
 */
export const readBody = (
  request: IncomingMessage,
  limitBytes: number,
  stallTimeoutMs: number = defaultStallTimeoutMs,
): Promise<Buffer> => {
  if (Number(request.headers['content-length'] ?? 0) > limitBytes) {
    request.resume();
    return Promise.reject(apiError('payloadTooLarge', { limitBytes }));
  }
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const stop = (): void => {
      clearTimeout(timer);
      request.off('data', onData).off('end', onEnd).off('error', onLost).off('close', onLost);
    };
    const refuse = (error: Error): void => {
      stop();
      request.resume();
      reject(error);
    };
    const timer = setTimeout(() => refuse(apiError('requestTimeout')), stallTimeoutMs);
    const onData = (chunk: Buffer): void => {
      timer.refresh();
      size += chunk.length;
      if (size > limitBytes) {
        refuse(apiError('payloadTooLarge', { limitBytes }));
      } else {
        chunks.push(chunk);
      }
    };
    const onEnd = (): void => {
      stop();
      resolve(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks, size));
    };
    const onLost = (): void => refuse(new ClientGone());
    request.on('data', onData).on('end', onEnd).on('error', onLost).on('close', onLost);
  });
};

/** Copy without members that are null, which mean "absent" (API §1.1), and without `__proto__`. */
const withoutNulls = (value: unknown, depth: number): unknown => {
  if (typeof value !== 'object' || value === null) {
    return value;
  }
  if (depth > maximumDepth) {
    throw apiError('malformedJson', { problem: `nested deeper than ${maximumDepth} levels` });
  }
  if (Array.isArray(value)) {
    return value.map((item) => withoutNulls(item, depth + 1));
  }
  const members: Record<string, unknown> = {};
  for (const [name, member] of Object.entries(value)) {
    if (member !== null && name !== '__proto__') {
      members[name] = withoutNulls(member, depth + 1);
    }
  }
  return members;
};

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Parses a JSON body; an empty one, or `null`, is `{}`. Throws `malformedJson`. */
export const parseJson = (body: Buffer): unknown => {
  let text: string;
  try {
    text = utf8.decode(body);
  } catch {
    throw apiError('malformedJson', { problem: 'not UTF-8' });
  }
  if (text.trim() === '') {
    return {};
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw apiError('malformedJson', { problem: error instanceof Error ? error.message.slice(0, 200) : 'unreadable' });
  }
  return value === null ? {} : withoutNulls(value, 0);
};
