import type { Limits } from '../accounts/limits.ts';
import { checkObjectQuota } from '../admission/quotas.ts';
import type { ObjectStore } from './store.ts';

/** What an account keeps, as last read, and what of its uploads has arrived since. */
interface Use {
  keptBytes: number;
  readonly arriving: Set<{ bytes: number }>;
}

/** An upload that is to be counted. */
export interface CountedUpload {
  readonly accountId: string;
  /** What the content that it takes the place of has. */
  readonly replacedBytes: number;
  /** What its sender says of its length, if anything. */
  readonly announcedBytes: number | undefined;
}

/**
 * Bounds the bytes that an account has in objects while they arrive: uploads that go on at the same time count together. What is kept in the
 * end is judged once more by the transaction that keeps it ({@link ObjectStore.endUpload}).
 */
export class ObjectAllowance {
  readonly #store: Pick<ObjectStore, 'keptBytes'>;
  readonly #limits: Limits;
  readonly #uses = new Map<string, Use>();

  constructor(store: Pick<ObjectStore, 'keptBytes'>, limits: Limits) {
    this.#store = store;
    this.#limits = limits;
  }

  /**
   * Calls `keep` with the content, which throws `quotaExceeded` in place of the piece that is too much. Throws the same before it calls where
   * the announced length is too much already.
   */
  async count<Kept>(
    upload: CountedUpload,
    content: AsyncIterable<Uint8Array>,
    keep: (content: AsyncIterable<Uint8Array>) => Promise<Kept>,
  ): Promise<Kept> {
    const { accountId } = upload;
    const use = this.#uses.get(accountId) ?? { keptBytes: 0, arriving: new Set() };
    this.#uses.set(accountId, use);
    const own = { bytes: -upload.replacedBytes };
    use.arriving.add(own);
    try {
      use.keptBytes = await this.#store.keptBytes(accountId);
      await this.#require(accountId, use, upload.announcedBytes ?? 0);
      return await keep(this.#counted(content, accountId, use, own));
    } finally {
      use.arriving.delete(own);
      if (use.arriving.size === 0) {
        this.#uses.delete(accountId);
      }
    }
  }

  async *#counted(
    content: AsyncIterable<Uint8Array>,
    accountId: string,
    use: Use,
    own: { bytes: number },
  ): AsyncGenerator<Uint8Array> {
    for await (const piece of content) {
      await this.#require(accountId, use, piece.byteLength);
      own.bytes += piece.byteLength;
      yield piece;
    }
    // From here on the rows speak for it: it must not count twice.
    use.arriving.delete(own);
  }

  /** Before it refuses it looks at the rows: something may have been deleted, or another upload may have come to nothing. */
  async #require(accountId: string, use: Use, moreBytes: number): Promise<void> {
    const quotas = await this.#limits.of(accountId);
    const usedBytes = (): number => {
      let bytes = use.keptBytes;
      for (const upload of use.arriving) {
        bytes += upload.bytes;
      }
      return bytes;
    };
    try {
      checkObjectQuota(quotas, usedBytes(), moreBytes);
    } catch {
      use.keptBytes = await this.#store.keptBytes(accountId);
      checkObjectQuota(quotas, usedBytes(), moreBytes);
    }
  }
}
