import { sizeOf } from '@berth/contract';
import { BlobDamaged } from '../blobs/checksum.ts';
import { ApiError } from '../errors/api-error.ts';
import type { ObjectContent } from '../objects/content.ts';
import { unzipped } from './gunzip.ts';
import { MountFailure } from './mount-kind.ts';
import type { MountPlace } from './mount-place.ts';

export type ObjectSource = Pick<ObjectContent, 'open'>;

const gibibyte = 1024 ** 3;

/** What cannot be read now and will not be later ends the mount; a store that is away does not. */
const failureOf = (error: unknown): unknown => {
  if (error instanceof BlobDamaged) {
    return new MountFailure(`the stored content is damaged: ${error.message}`, { cause: error });
  }
  return error instanceof ApiError && !error.retryable ? new MountFailure(error.message, { cause: error }) : error;
};

/**
 * Places an object in the box, owned by the box's user: an archive is extracted into the directory, by the guest and inside of the box; a file that
 * is compressed is unpacked; all else is the file itself. Safe to repeat. Throws MountFailure, HostError.
 */
export const placeObject = async (
  source: ObjectSource,
  { host, box }: Pick<MountPlace, 'host' | 'box'>,
  objectId: string,
  path: string,
  signal: AbortSignal,
): Promise<void> => {
  try {
    const { object, content } = await source.open(objectId);
    const { content_type: type } = object;
    if (type === 'tar' || type === 'tgz') {
      await host.extract(box.id, path, content, { gzip: type === 'tgz', place: true }, signal);
      return;
    }
    const diskBytes = sizeOf(box.launchParameters).diskGib * gibibyte;
    const bytes = type === 'gzip' ? unzipped(content, diskBytes) : content;
    await host.writeFile(box.id, path, bytes, { makeParents: true, place: true }, signal);
  } catch (error) {
    throw failureOf(error);
  }
};
