import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import type { ApiClient } from './client.ts';

/**
 * Sends one file to a box as a multipart form, streamed: memory does not grow with its size.
 * @param count called with the bytes of each piece sent
 * @returns bytes of the file
 */
export const uploadStream = async (
  client: ApiClient,
  devbox: string,
  path: string,
  fileName: string,
  content: Readable,
  count: (bytes: number) => void = () => undefined,
): Promise<number> => {
  const boundary = `berth-${randomUUID()}`;
  let sizeBytes = 0;
  const form = async function* (): AsyncGenerator<Uint8Array> {
    yield Buffer.from(formStart(boundary, path, fileName));
    for await (const bytes of content as AsyncIterable<Uint8Array>) {
      sizeBytes += bytes.byteLength;
      count(bytes.byteLength);
      yield bytes;
    }
    yield Buffer.from(`\r\n--${boundary}--\r\n`);
  };
  await client.stream(
    `/v1/devboxes/${encodeURIComponent(devbox)}/upload_file`,
    `multipart/form-data; boundary=${boundary}`,
    Readable.toWeb(Readable.from(form(), { objectMode: false })) as ReadableStream<Uint8Array>,
  );
  return sizeBytes;
};

const formStart = (boundary: string, path: string, fileName: string): string =>
  [
    `--${boundary}`,
    'content-disposition: form-data; name="path"',
    '',
    path,
    `--${boundary}`,
    `content-disposition: form-data; name="file"; filename="${fileName.replace(/["\r\n\\]/g, '_')}"`,
    'content-type: application/octet-stream',
    '',
    '',
  ].join('\r\n');
