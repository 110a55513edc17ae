import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { ErrorBody } from '@berth/contract';
import { CommandFailure } from '../output/failure.ts';
import type { Endpoint } from './endpoint.ts';

/** An answer of the API that is not a success. */
export class ApiFailure extends CommandFailure {
  readonly status: number;
  readonly code: string | undefined;

  constructor(status: number, body: Partial<ErrorBody>) {
    super(body.message ?? `the API answered with status ${status}`, { hint: body.hint });
    this.status = status;
    this.code = body.code;
  }
}

export interface RequestOptions {
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  readonly accept?: string;
  readonly signal?: AbortSignal | undefined;
}

/** The same request may be sent again after these. */
const retriedStatuses = new Set([429, 502, 503]);
const attempts = 4;
const firstPauseMs = 200;

/** A small client of the API: one connection pool, JSON in and out, errors as {@link ApiFailure}. */
export class ApiClient {
  readonly endpoint: Endpoint;

  constructor(endpoint: Endpoint) {
    this.endpoint = endpoint;
  }

  /** Sends a request and gives the parsed JSON answer. Repeats it, under one idempotency key, while the server cannot be reached. */
  async json<Result>(method: 'GET' | 'POST', path: string, options: RequestOptions = {}): Promise<Result> {
    const response = await this.raw(method, path, options);
    return (await response.json()) as Result;
  }

  /** Sends a request and gives the answer with its body unread. */
  async raw(method: 'GET' | 'POST', path: string, options: RequestOptions = {}): Promise<Response> {
    const requestId = `berth-cli-${randomUUID()}`;
    for (let attempt = 1; ; attempt += 1) {
      const response = await this.#send(method, path, options, requestId).catch((error: unknown) => {
        if (attempt >= attempts || options.signal?.aborted) {
          throw unreachable(this.endpoint.baseUrl, error, options.signal);
        }
        return undefined;
      });
      if (response?.ok) {
        return response;
      }
      if (response !== undefined && (attempt >= attempts || !retriedStatuses.has(response.status))) {
        throw new ApiFailure(response.status, await errorBody(response));
      }
      await response?.body?.cancel();
      await pause(firstPauseMs * 2 ** attempt, undefined, { signal: options.signal });
    }
  }

  /** Sends a streamed body, once: a stream cannot be sent again. */
  async stream(path: string, contentType: string, body: ReadableStream<Uint8Array>): Promise<void> {
    const headers = { authorization: `Bearer ${this.endpoint.apiKey}`, 'content-type': contentType };
    const init = {
      method: 'POST',
      headers: { ...headers, 'x-request-id': `berth-cli-${randomUUID()}` },
      body,
      duplex: 'half' as const,
    };
    const response = await fetch(new URL(this.endpoint.baseUrl + path), init).catch((error: unknown) => {
      throw unreachable(this.endpoint.baseUrl, error, undefined);
    });
    if (!response.ok) {
      throw new ApiFailure(response.status, await errorBody(response));
    }
    await response.body?.cancel();
  }

  #send(method: string, path: string, options: RequestOptions, requestId: string): Promise<Response> {
    const url = new URL(this.endpoint.baseUrl + path);
    for (const [key, value] of Object.entries(options.query ?? {})) {
      if (value !== undefined) {
        url.searchParams.set(key, String(value));
      }
    }
    const headers: Record<string, string> = {
      authorization: `Bearer ${this.endpoint.apiKey}`,
      accept: options.accept ?? 'application/json',
    };
    if (method !== 'GET') {
      headers['x-request-id'] = requestId;
    }
    if (options.body !== undefined) {
      headers['content-type'] = 'application/json';
    }
    const body = options.body === undefined ? null : JSON.stringify(options.body);
    return fetch(url, { method, headers, body, signal: options.signal ?? null });
  }
}

const errorBody = async (response: Response): Promise<Partial<ErrorBody>> => {
  const text = await response.text();
  try {
    return JSON.parse(text) as Partial<ErrorBody>;
  } catch {
    return { message: `status ${response.status}: ${text.slice(0, 500)}` };
  }
};

const unreachable = (baseUrl: string, error: unknown, signal: AbortSignal | undefined): unknown => {
  if (signal?.aborted) {
    return signal.reason;
  }
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
  return new CommandFailure(`no answer from ${baseUrl}: ${cause}`, {
    hint: 'is it running? ./berth status, ./berth up',
  });
};
