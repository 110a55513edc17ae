import { HostError } from '@berth/host/contract';
import { BlobDamaged } from '../blobs/checksum.ts';
import { apiError } from '../errors/api-error.ts';
import { requireMountable } from '../mounts/object-mount.ts';
import type { ObjectParts } from '../objects/parts.ts';
import type { BuildContexts } from './contexts.ts';

/** Damage does not heal: the build has failed over it. */
async function* undamaged(content: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* content;
  } catch (error) {
    throw error instanceof BlobDamaged
      ? new HostError('internal', `the build context: ${error.message}`, { cause: error })
      : error;
  }
}

/** Build contexts are objects: a tar, or a compressed one. What else they hold is found out by the build. */
export const objectContexts = ({ store, content }: Pick<ObjectParts, 'store' | 'content'>): BuildContexts => ({
  async require(account, objectId) {
    await requireMountable(store, account, objectId);
    const object = await store.findVisible(account, objectId);
    if (object?.content_type === 'text') {
      throw apiError('invalidRequest', { problem: `build_context: object ${objectId} is text, not a tar archive` });
    }
  },

  async open(account, objectId) {
    await requireMountable(store, account, objectId);
    const opened = await content.open(objectId);
    return { content: undamaged(opened.content), sizeBytes: opened.sizeBytes };
  },
});
