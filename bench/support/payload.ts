import type { IncomingMessage } from 'node:http';

const block = Buffer.alloc(256 * 1024, 'berth');

/** So many bytes, of one block again and again, with a text before and after them. */
export async function* payload(sizeBytes: number, before = '', after = ''): AsyncIterable<Uint8Array> {
  if (before !== '') {
    yield Buffer.from(before);
  }
  for (let sent = 0; sent < sizeBytes; sent += block.length) {
    yield block;
  }
  if (after !== '') {
    yield Buffer.from(after);
  }
}

/** Reads the answer away. Gives its length in bytes. */
export const drain = (body: IncomingMessage): Promise<number> =>
  new Promise((resolve, reject) => {
    let total = 0;
    body.on('data', (chunk: Buffer) => {
      total += chunk.length;
    });
    body.on('end', () => resolve(total));
    body.on('error', reject);
  });
