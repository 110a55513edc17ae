import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import type { Call, Caller, RequestScope } from './context.ts';
import { isComplete } from './response-state.ts';

/** One request and its answer. Signals are made only when somebody asks for them: most requests never do. */
export class Exchange implements RequestScope {
  readonly requestId: string;
  readonly log: Logger;
  readonly closing: AbortSignal;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  #gone: AbortController | undefined;

  constructor(parts: {
    readonly requestId: string;
    readonly request: IncomingMessage;
    readonly response: ServerResponse;
    readonly log: Logger;
    readonly closing: AbortSignal;
  }) {
    this.requestId = parts.requestId;
    this.log = parts.log;
    this.closing = parts.closing;
    this.#request = parts.request;
    this.#response = parts.response;
  }

  /** Set by the server once the caller is known. */
  idempotencyToken: string | undefined;

  get headers(): IncomingMessage['headers'] {
    return this.#request.headers;
  }

  get signal(): AbortSignal {
    if (this.#gone === undefined) {
      const gone = new AbortController();
      this.#gone = gone;
      const abort = (): void => {
        if (!isComplete(this.#response)) {
          gone.abort();
        }
      };
      if (this.#response.destroyed) {
        abort();
      }
      this.#response.on('close', abort);
    }
    return this.#gone.signal;
  }

  /** What the handler is called with. */
  call(
    caller: Caller,
    input: { readonly params: unknown; readonly query: unknown; readonly body: unknown },
  ): Call<unknown, unknown, unknown> {
    const exchange = this;
    return {
      ...caller,
      ...input,
      requestId: this.requestId,
      log: this.log,
      closing: this.closing,
      idempotencyToken: this.idempotencyToken,
      headers: this.headers,
      get signal() {
        return exchange.signal;
      },
    };
  }
}
