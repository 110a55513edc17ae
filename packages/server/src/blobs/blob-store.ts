/** What a store knows of one blob. */
export interface BlobInfo {
  readonly sizeBytes: number;
  /** CRC-32 of the content. */
  readonly checksum: number;
}

/** There is no such blob. */
export class BlobMissing extends Error {
  override readonly name = 'BlobMissing';
}

/** The store has no room left. */
export class BlobStoreFull extends Error {
  override readonly name = 'BlobStoreFull';
}

/** The store cannot be reached, for now. */
export class BlobStoreUnavailable extends Error {
  override readonly name = 'BlobStoreUnavailable';
}

/**
 * Where bytes are kept that are too many for the database. Keys are slash-free words of the server's own making. A blob is there whole or not at
 * all, whenever the server is killed.
 */
export interface BlobStore {
  /**
   * Keeps what arrives, durably when it resolves. Pieces are the store's own from then on. Asks for the next piece only when there is room for it.
   * What `content` throws, it throws, and keeps nothing. @throws BlobStoreFull, BlobStoreUnavailable
   */
  write(key: string, content: AsyncIterable<Uint8Array>, signal?: AbortSignal): Promise<BlobInfo>;
  /** Its bytes; each piece is lent until the next one is asked for. @throws BlobMissing, BlobStoreUnavailable, before the first byte or while they come */
  read(key: string): Promise<{ readonly sizeBytes: number; readonly content: AsyncIterable<Uint8Array> }>;
  /** Removes it, and what a write under this key that was cut off has left; what is not there is removed already. */
  remove(key: string): Promise<void>;
  /** Lets go of connections. */
  close(): Promise<void>;
}
