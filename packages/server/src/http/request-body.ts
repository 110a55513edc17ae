import type { IncomingMessage } from 'node:http';
import { apiError } from '../errors/api-error.ts';

/** Bound of a JSON body unless the route says otherwise. */
export const defaultBodyLimitBytes = 16 * 1024 * 1024;
/** A body that makes no progress for this long is given up. */
const stallTimeoutMs = 30_000;
const maximumDepth = 64;

/** Reads the whole body. Rejects with 413 beyond the limit and 408 when the sender stalls. */
export const readBody = async (request: IncomingMessage, limitBytes: number): Promise<Buffer> => {
  const declared = Number(request.headers['content-length'] ?? 0);
  if (declared > limitBytes) {
    throw apiError('payloadTooLarge', { limitBytes });
  }
  const chunks: Buffer[] = [];
  let size = 0;
  let stalled = false;
  const timer = setTimeout(() => {
    stalled = true;
    request.destroy();
  }, stallTimeoutMs);
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      timer.refresh();
      size += chunk.length;
      if (size > limitBytes) {
        throw apiError('payloadTooLarge', { limitBytes });
      }
      chunks.push(chunk);
    }
  } catch (error) {
    throw stalled ? apiError('requestTimeout') : error;
  } finally {
    clearTimeout(timer);
  }
  return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks, size);
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
