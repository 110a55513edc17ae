import { crc32 } from 'node:zlib';
import type { BlobInfo } from './blob-store.ts';

/** Size and CRC-32 of what has passed so far. */
export class Tally implements BlobInfo {
  sizeBytes = 0;
  checksum = 0;

  add(piece: Uint8Array): void {
    this.sizeBytes += piece.byteLength;
    this.checksum = crc32(piece, this.checksum);
  }
}

/** What a store gives back is not what it was given. */
export class BlobDamaged extends Error {
  override readonly name = 'BlobDamaged';
}

/**
 * Passes the pieces on and throws {@link BlobDamaged}, in place of the last one, when they do not add up to what is expected: nobody gets a
 * damaged content as a whole.
 */
export async function* verified(content: AsyncIterable<Uint8Array>, expected: BlobInfo): AsyncGenerator<Uint8Array> {
  const tally = new Tally();
  for await (const piece of content) {
    tally.add(piece);
    if (tally.sizeBytes > expected.sizeBytes) {
      break;
    }
    if (tally.sizeBytes === expected.sizeBytes && tally.checksum !== expected.checksum) {
      break;
    }
    yield piece;
  }
  if (tally.sizeBytes !== expected.sizeBytes || tally.checksum !== expected.checksum) {
    throw new BlobDamaged(
      `${tally.sizeBytes} bytes with CRC-32 ${tally.checksum}, not ${expected.sizeBytes} with ${expected.checksum}`,
    );
  }
}
