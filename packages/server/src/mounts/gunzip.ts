import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { MountFailure } from './mount-kind.ts';

/** The bytes that were compressed. What is damaged, or grows beyond the bound, is a failure of the mount: MountFailure. */
export async function* unzipped(content: AsyncIterable<Uint8Array>, limitBytes: number): AsyncGenerator<Uint8Array> {
  const gunzip = createGunzip();
  // Errors of either side show where the output is read.
  pipeline(content, gunzip, () => undefined);
  let sizeBytes = 0;
  try {
    for await (const piece of gunzip) {
      sizeBytes += piece.byteLength;
      if (sizeBytes > limitBytes) {
        throw new MountFailure(`its content is larger than the disk of the devbox (${limitBytes} bytes)`, {
          reason: 'out_of_disk',
        });
      }
      yield piece;
    }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    throw code.startsWith('Z_') ? new MountFailure('the content is not gzip, or damaged', { cause: error }) : error;
  } finally {
    gunzip.destroy();
  }
}
