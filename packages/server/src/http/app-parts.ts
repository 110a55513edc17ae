import type { IncomingHttpHeaders } from 'node:http';
import type { Logger } from 'pino';
import type { IdempotencyService } from '../idempotency/service.ts';
import type { Caller } from './context.ts';
import type { Route } from './route.ts';

/** What the application is made of. */
export interface AppParts {
  readonly routes: readonly Route[];
  readonly authenticate: (headers: IncomingHttpHeaders) => Promise<Caller>;
  readonly idempotency: Pick<IdempotencyService, 'run'>;
  readonly log: Logger;
  /** Aborted when the server begins to shut down. */
  readonly closing: AbortSignal;
  /** Called once a request is over. */
  readonly onDone?: (route: string, method: string, status: number, seconds: number) => void;
  /** Address of this machine by which boxes come: few routes are served there. */
  readonly doorAddress?: string;
  /** Checks answers against their schemas and fails loudly. For tests. */
  readonly checkAnswers?: boolean;
}
