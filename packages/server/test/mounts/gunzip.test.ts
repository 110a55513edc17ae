import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { unzipped } from '../../src/mounts/gunzip.ts';

const limitBytes = 10_000_000;

async function* pieces(...list: Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* list;
}

const read = async (content: AsyncIterable<Uint8Array>): Promise<Buffer> => {
  const seen: Uint8Array[] = [];
  for await (const piece of unzipped(content, limitBytes)) {
    seen.push(piece);
  }
  return Buffer.concat(seen);
};

describe('unpacking a compressed file', () => {
  it('gives what was compressed, also of several members', async () => {
    expect((await read(pieces(gzipSync('one '), gzipSync('two')))).toString()).toBe('one two');
  });

  it('stops at what grows beyond the disk, and reads no more of it', async () => {
    let asked = 0;
    const bomb = gzipSync(Buffer.alloc(4_000_000));
    const endless = async function* (): AsyncGenerator<Uint8Array> {
      for (;;) {
        asked += 1;
        yield bomb;
      }
    };
    await expect(read(endless())).rejects.toMatchObject({ name: 'MountFailure', reason: 'out_of_disk' });
    const before = asked;
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(asked - before).toBeLessThan(2);
  });

  it('passes on what the source throws', async () => {
    const broken = async function* (): AsyncGenerator<Uint8Array> {
      yield gzipSync('x').subarray(0, 5);
      throw new Error('the store is away');
    };
    await expect(read(broken())).rejects.toThrow('the store is away');
  });
});
