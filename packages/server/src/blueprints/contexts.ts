/** Objects as builds use them. */
export interface BuildContexts {
  /** Throws `invalidRequest` or `unknownSource` when the account has no complete object of that id that can be a context. */
  require(account: string, objectId: string): Promise<void>;
  /** The archive. Throws like `require` when it is no longer there. */
  open(
    account: string,
    objectId: string,
  ): Promise<{ readonly content: AsyncIterable<Uint8Array>; readonly sizeBytes: number }>;
}
