import { createReadStream } from 'node:fs';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { apiError } from '../errors/api-error.ts';

/** Content kept in a file until it can be sent on. */
export interface SpooledContent {
  read(): AsyncIterable<Uint8Array>;
  remove(): Promise<void>;
}

/** Largest content kept aside. Clients that send `path` before `file` are not bound by it. */
export const maximumSpoolBytes = 16 * 1024 ** 3;

/** Keeps content in a temporary file. Rejects with `payloadTooLarge` beyond the limit; nothing is left then. */
export const spool = async (
  content: AsyncIterable<Uint8Array>,
  limitBytes: number = maximumSpoolBytes,
): Promise<SpooledContent> => {
  const directory = await mkdtemp(join(tmpdir(), 'berth-upload-'));
  const path = join(directory, 'content');
  const remove = (): Promise<void> => rm(directory, { recursive: true, force: true });
  try {
    const file = await open(path, 'wx', 0o600);
    try {
      let size = 0;
      for await (const chunk of content) {
        size += chunk.byteLength;
        if (size > limitBytes) {
          throw apiError('payloadTooLarge', { limitBytes });
        }
        await file.writev([chunk]);
      }
    } finally {
      await file.close();
    }
  } catch (error) {
    await remove();
    throw error;
  }
  return { read: () => createReadStream(path, { highWaterMark: 256 * 1024 }), remove };
};
