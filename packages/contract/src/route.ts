import { z } from 'zod';
import type { IdKind } from './ids.ts';

/** What a key must be allowed to do. Names as in `RESOURCE_TYPE_…` of restricted keys (API §22). */
export interface Access {
  readonly resource:
    | 'DEVBOXES'
    | 'BLUEPRINTS'
    | 'SNAPSHOTS'
    | 'BENCHMARKS'
    | 'SCENARIOS'
    | 'AGENTS'
    | 'OBJECTS'
    | 'ACCOUNT';
  readonly level: 'READ' | 'WRITE';
}

/** Raw bytes of the request, handed to the handler as a stream. */
export interface StreamBody {
  readonly kind: 'stream';
  readonly contentType: string;
  /** JSON schema for the OpenAPI document. */
  readonly schema?: Readonly<Record<string, unknown>>;
}

/** Answers that are not one JSON value. */
export type SpecialResponse =
  | { readonly kind: 'text' }
  | { readonly kind: 'bytes'; readonly contentType?: string }
  | { readonly kind: 'sse'; readonly event: z.ZodType }
  | { readonly kind: 'empty' };

export type BodyShape = z.ZodType | StreamBody;
export type ResponseShape = z.ZodType | SpecialResponse;

/**
 * How a repeated `x-request-id` is treated (API §2.5). `replay`: the first answer is remembered and given again. `token`: nothing is
 * remembered; the handler gets a token derived from account, method, path and key and is idempotent by it, or by nature.
 */
export type Idempotency = 'replay' | 'token';

/** One endpoint. Path parameters stand in braces. */
export interface RouteContract<
  Params extends z.ZodType = z.ZodType,
  Query extends z.ZodType = z.ZodType,
  Body extends BodyShape = BodyShape,
  Response extends ResponseShape = ResponseShape,
> {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly path: `/${string}`;
  readonly operationId: string;
  readonly summary: string;
  readonly tag: string;
  readonly params: Params;
  readonly query: Query;
  readonly body: Body;
  readonly response: Response;
  /** `public` needs no key. */
  readonly access: Access | 'public';
  readonly idempotency: Idempotency;
  /** Bound of a JSON body; 16 MiB when left out. */
  readonly bodyLimitBytes?: number;
  /** Whether boxes reach it too, by the address that their network keeps open for them. Only what is safe for whoever asks. */
  readonly atDoor?: boolean;
  /** Kinds of the ids among the path parameters: malformed ones are refused with 400 before anything else. */
  readonly ids?: Readonly<Record<string, IdKind>>;
}

const nothing = z.object({});

/** States one endpoint; parts left out are empty. */
export const defineRoute = <
  Params extends z.ZodType = typeof nothing,
  Query extends z.ZodType = typeof nothing,
  Body extends BodyShape = typeof nothing,
  const Response extends ResponseShape = ResponseShape,
>(
  wish: Pick<
    RouteContract<Params, Query, Body, Response>,
    'method' | 'path' | 'operationId' | 'summary' | 'tag' | 'response' | 'access' | 'bodyLimitBytes' | 'atDoor' | 'ids'
  > & {
    readonly params?: Params;
    readonly query?: Query;
    readonly body?: Body;
    readonly idempotency?: Idempotency;
  },
): RouteContract<Params, Query, Body, Response> => ({
  ...wish,
  params: wish.params ?? (nothing as unknown as Params),
  query: wish.query ?? (nothing as unknown as Query),
  body: wish.body ?? (nothing as unknown as Body),
  idempotency: wish.idempotency ?? 'replay',
});

/** True for a schema, false for the special shapes. */
export const isSchema = (shape: BodyShape | ResponseShape): shape is z.ZodType => shape instanceof z.ZodType;
