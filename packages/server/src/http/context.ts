import type { IncomingHttpHeaders } from 'node:http';
import type { Logger } from 'pino';
import type { Scope } from '../api-keys/scopes.ts';

/** Who calls: the account that a key belongs to, and the key. */
export interface Caller {
  readonly account: string;
  readonly keyId: string;
  /** Scopes of a restricted key; null for a standard one. */
  readonly scopes: readonly Scope[] | null;
}

/** What every handler gets of a request, besides its parsed parts. */
export interface RequestScope {
  /** Id of this request in log and error messages. */
  readonly requestId: string;
  readonly headers: IncomingHttpHeaders;
  readonly log: Logger;
  /** Aborted when the client goes away before the answer is complete. */
  readonly signal: AbortSignal;
  /** Aborted when the server begins to shut down: long polls answer 408, streams end with an `error` event 408. */
  readonly closing: AbortSignal;
  /** Same for all repetitions of one call (API §2.5); undefined when the caller sent no key, and for GET. */
  readonly idempotencyToken: string | undefined;
}

/** What a handler is called with. */
export interface Call<Params, Query, Body> extends RequestScope, Caller {
  readonly params: Params;
  readonly query: Query;
  readonly body: Body;
}
