import type { Readable } from 'node:stream';
import type { BodyShape, ResponseShape, RouteContract, StreamBody } from '@berth/contract';
import type { z } from 'zod';
import type { Call } from './context.ts';

/** Bytes to send, with what is known of them. */
export interface BytesAnswer {
  readonly chunks: AsyncIterable<Uint8Array>;
  /** Sent as content-length; the chunks must add up to it. */
  readonly sizeBytes?: number;
  readonly contentType?: string;
  /** Further headers of the answer. */
  readonly headers?: Readonly<Record<string, string>>;
}

type BodyOf<Body extends BodyShape> = Body extends z.ZodType
  ? z.output<Body>
  : Body extends StreamBody
    ? Readable
    : never;

type AnswerOf<Response extends ResponseShape> = Response extends z.ZodType
  ? z.input<Response>
  : Response extends { readonly kind: 'text' }
    ? string | Omit<BytesAnswer, 'contentType'>
    : Response extends { readonly kind: 'bytes' }
      ? BytesAnswer
      : Response extends { readonly kind: 'sse'; readonly event: infer Event extends z.ZodType }
        ? AsyncIterable<z.input<Event>>
        : undefined;

/** Answers one route. What it throws is answered by the error registry; a stream that throws ends with an `error` event. */
export type Handler<Contract extends RouteContract> = (
  call: Call<z.output<Contract['params']>, z.output<Contract['query']>, BodyOf<Contract['body']>>,
) => Promise<AnswerOf<Contract['response']>> | AnswerOf<Contract['response']>;

/** A route with its handler, ready for the server. */
export interface Route {
  readonly contract: RouteContract;
  readonly handle: (call: Call<unknown, unknown, unknown>) => unknown;
}

/** Binds a handler to its contract. */
export const route = <Contract extends RouteContract>(contract: Contract, handler: Handler<Contract>): Route => ({
  contract,
  handle: handler as Route['handle'],
});
