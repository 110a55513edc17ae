import { createHash } from 'node:crypto';

/** What tells one call from another (API §2.5): the same custom key on another path, or of another account, is independent. */
export interface IdempotencyScope {
  readonly account: string;
  readonly method: string;
  /** Path without the query. */
  readonly path: string;
  readonly key: string;
}

const digest = (parts: readonly string[]): Buffer => {
  const hash = createHash('sha256');
  for (const part of parts) {
    // The length keeps ("ab", "c") apart from ("a", "bc").
    hash.update(`${Buffer.byteLength(part)}:${part}`);
  }
  return hash.digest();
};

/** A fixed-length name of the call, safe as a database key and as the source of derived ids. */
export const idempotencyToken = (scope: IdempotencyScope): string =>
  digest([scope.account, scope.method, scope.path, scope.key]).toString('base64url');

/** Tells a retry from a different request under the same key. */
export const requestFingerprint = (query: string, body: Buffer): Buffer =>
  createHash('sha256')
    .update(`${Buffer.byteLength(query)}:${query}`)
    .update(body)
    .digest();
