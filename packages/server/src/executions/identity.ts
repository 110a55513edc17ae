import { newId } from '@berth/contract';

/**
 * Id of an execution that the client did not name: derived from the idempotency token, so that a repeated request finds the execution that
 * the first one started; fresh when there is no token.
 */
export const serverMadeExecutionId = (idempotencyToken: string | undefined): string =>
  // A token is a SHA-256 in base64url: its first 24 characters hold 144 bits.
  idempotencyToken === undefined ? newId('execution') : `exc_${idempotencyToken.slice(0, 24)}`;
