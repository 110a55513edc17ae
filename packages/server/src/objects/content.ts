import { randomToken } from '@berth/contract';
import type { Limits } from '../accounts/limits.ts';
import { checkObjectQuota } from '../admission/quotas.ts';
import {
  type BlobInfo,
  BlobMissing,
  type BlobStore,
  BlobStoreFull,
  BlobStoreUnavailable,
} from '../blobs/blob-store.ts';
import { BlobDamaged, verified } from '../blobs/checksum.ts';
import { apiError } from '../errors/api-error.ts';
import type { ObjectAllowance } from './allowance.ts';
import type { StoredObject } from './object.ts';
import type { ObjectStore } from './store.ts';

export interface ObjectContentParts {
  readonly store: ObjectStore;
  readonly blobs: BlobStore;
  readonly limits: Limits;
  readonly allowance: ObjectAllowance;
}

/** What arrives. */
export interface ArrivingContent {
  readonly content: AsyncIterable<Uint8Array>;
  /** What its sender says of its length, if anything. */
  readonly announcedBytes: number | undefined;
}

/** A readable object with its bytes, which are checked against what was uploaded. */
export interface OpenObject {
  readonly object: StoredObject;
  readonly sizeBytes: number;
  readonly content: AsyncIterable<Uint8Array>;
}

const translate = (error: unknown, id: string): unknown => {
  if (error instanceof BlobStoreFull) {
    return apiError('storageFull', undefined, error);
  }
  if (error instanceof BlobStoreUnavailable) {
    return apiError('storageUnavailable', undefined, error);
  }
  return error instanceof BlobMissing ? apiError('objectNotReadable', { id, state: 'lost' }, error) : error;
};

async function* translated(content: AsyncIterable<Uint8Array>, id: string): AsyncGenerator<Uint8Array> {
  try {
    yield* content;
  } catch (error) {
    throw error instanceof BlobDamaged ? error : translate(error, id);
  }
}

/** The bytes of objects: in once, out checked. */
export class ObjectContent {
  readonly #parts: ObjectContentParts;

  /** Called after a change that the keeper has to act on. It would find it by itself, a little later. */
  onLoose: () => void = () => undefined;

  constructor(parts: ObjectContentParts) {
    this.#parts = parts;
  }

  /**
   * Keeps what arrives as the content of the object, whole or not at all. Throws `notFound`, `objectNotUploading`, `quotaExceeded`,
   * `storageFull`, `storageUnavailable`, and what `content` throws.
   */
  async write(id: string, { content, announcedBytes }: ArrivingContent, signal: AbortSignal): Promise<BlobInfo> {
    const { account_id: accountId, size_bytes } = await this.#requireUploading(id);
    const upload = { accountId, replacedBytes: size_bytes ?? 0, announcedBytes };
    return this.#parts.allowance.count(upload, content, (counted) => this.#keep(id, accountId, counted, signal));
  }

  async #keep(
    id: string,
    accountId: string,
    content: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): Promise<BlobInfo> {
    const { store, blobs, limits } = this.#parts;
    const blobKey = `${id}-${randomToken(16)}`;
    await store.beginUpload(blobKey);
    try {
      const info = await blobs.write(blobKey, content, signal);
      // Whoever is gone without an answer takes it for failed, and may have been cut off.
      signal.throwIfAborted();
      const quotas = await limits.of(accountId);
      const check = (otherBytes: number): void => checkObjectQuota(quotas, otherBytes, info.sizeBytes);
      if (!(await store.endUpload({ id, accountId, blobKey, info }, check))) {
        await this.#requireUploading(id);
        throw apiError('uploadBrokenOff');
      }
      this.onLoose();
      return info;
    } catch (error) {
      // The database may be away too: the next run of the server removes what this one leaves.
      await store.dropUpload(blobKey).catch(() => undefined);
      this.onLoose();
      throw translate(error, id);
    }
  }

  /** Opens a readable object. Throws `notFound`, `objectNotReadable`, `storageUnavailable`; damage shows in place of the last piece. */
  async open(id: string): Promise<OpenObject> {
    const object = await this.#parts.store.find(id);
    if (object === undefined) {
      throw apiError('notFound', { resource: 'object', id });
    }
    const { blob_key: blobKey, size_bytes: sizeBytes, checksum, state } = object;
    if (state !== 'READ_ONLY' || blobKey === null || sizeBytes === null || checksum === null) {
      throw apiError('objectNotReadable', { id, state });
    }
    const read = await this.#parts.blobs.read(blobKey).catch((error: unknown) => {
      throw translate(error, id);
    });
    return { object, sizeBytes, content: translated(verified(read.content, { sizeBytes, checksum }), id) };
  }

  async #requireUploading(id: string): Promise<StoredObject> {
    const object = await this.#parts.store.find(id);
    if (object === undefined) {
      throw apiError('notFound', { resource: 'object', id });
    }
    if (object.state !== 'UPLOADING') {
      throw apiError('objectNotUploading', { id, state: object.state });
    }
    return object;
  }
}
