import { APIError } from '@runloop/api-client';

/** A refused call as the client saw it. */
export interface Refusal {
  readonly status: number | undefined;
  readonly message: string;
  /** `x-should-retry`, when the answer carried it. */
  readonly shouldRetry: string | null | undefined;
}

/** The refusal of a call; throws when the call succeeds or fails without an answer from the server. */
export async function refusal(call: PromiseLike<unknown>): Promise<Refusal> {
  const value = await Promise.resolve(call).then(
    (answer) => ({ answer }),
    (cause: unknown) => ({ cause }),
  );
  if ('answer' in value) {
    throw new Error(`expected a refusal, got ${JSON.stringify(value.answer)}`);
  }
  const error = value.cause;
  if (error instanceof APIError) {
    return { status: error.status, message: error.message, shouldRetry: error.headers?.['x-should-retry'] };
  }
  throw error;
}

/** Well-formed id of a thing that does not exist. */
export const unknownId = (prefix: string): string => `${prefix}_31CYd5LLFbBxst8mqnUjZ`;
