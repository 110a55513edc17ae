import { defineRoute, queryInteger } from '@berth/contract';
import { z } from 'zod';
import { apiError } from '../src/errors/api-error.ts';
import { type Route, route } from '../src/http/route.ts';

const access = { resource: 'DEVBOXES', level: 'WRITE' } as const;
const tag = 'probe';

/** Echoes what the kernel parsed. */
export const echoRoute = (): Route =>
  route(
    defineRoute({
      method: 'POST',
      path: '/probe/echo/{id}',
      operationId: 'probeEcho',
      summary: 'echo',
      tag,
      access,
      params: z.object({ id: z.string() }),
      query: z.object({ n: queryInteger(0, 10).optional() }),
      body: z.object({ name: z.string().optional(), tags: z.record(z.string(), z.unknown()).optional() }),
      bodyLimitBytes: 1_000_000,
      response: z.unknown(),
    }),
    ({ params, query, body, account }) => ({ params, query, body, account }),
  );

/** Runs `work` for each call; remembers answers by idempotency key. */
export const workRoute = (
  path: `/${string}`,
  work: (call: { readonly idempotencyToken: string | undefined; readonly body: unknown }) => Promise<unknown>,
): Route =>
  route(
    defineRoute({
      method: 'POST',
      path,
      operationId: `probe${path.replaceAll(/\W/g, '')}`,
      summary: 'work',
      tag,
      access,
      body: z.looseObject({}),
      response: z.unknown(),
    }),
    (call) => work(call),
  );

/** Streams what `events` yields as server-sent events. */
export const eventRoute = (path: `/${string}`, events: (signal: AbortSignal) => AsyncIterable<unknown>): Route =>
  route(
    defineRoute({
      method: 'GET',
      path,
      operationId: `probe${path.replaceAll(/\W/g, '')}`,
      summary: 'events',
      tag,
      access,
      response: { kind: 'sse', event: z.unknown() },
    }),
    ({ signal }) => events(signal),
  );

/** Streams bytes. */
export const bytesRoute = (path: `/${string}`, chunks: () => AsyncIterable<Uint8Array>, sizeBytes?: number): Route =>
  route(
    defineRoute({
      method: 'GET',
      path,
      operationId: `probe${path.replaceAll(/\W/g, '')}`,
      summary: 'bytes',
      tag,
      access,
      response: { kind: 'bytes' },
    }),
    () => ({ chunks: chunks(), ...(sizeBytes === undefined ? {} : { sizeBytes }) }),
  );

/** Always fails with an error that nobody foresaw. */
export const brokenRoute = (): Route =>
  workRoute('/probe/broken', () => Promise.reject(new Error('secret detail of the inside')));

/** Always answers `conflict` of the registry, to see how it steers retries. */
export const refusedRoute = (): Route =>
  workRoute('/probe/refused', () => Promise.reject(apiError('duplicateName', { resource: 'probe', name: 'x' })));
