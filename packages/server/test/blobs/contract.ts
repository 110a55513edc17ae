import { randomBytes, randomUUID } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BlobMissing, type BlobStore } from '../../src/blobs/blob-store.ts';

/** A store with a look at what it really keeps. */
export interface BlobBench {
  readonly store: BlobStore;
  /** Names of everything that takes room: blobs, and what unfinished writes have left. */
  readonly kept: () => Promise<string[]>;
  readonly end: () => Promise<void>;
}

async function* pieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < bytes.length; start += size) {
    yield bytes.subarray(start, start + size);
  }
}

const key = (): string => `obj-${randomUUID()}`;

export const readAll = async (store: BlobStore, blob: string): Promise<Buffer> => {
  const { content, sizeBytes } = await store.read(blob);
  const read: Uint8Array[] = [];
  for await (const piece of content) {
    read.push(Uint8Array.from(piece));
  }
  const bytes = Buffer.concat(read);
  expect(bytes.length).toBe(sizeBytes);
  return bytes;
};

/** What every store must do. */
export const blobStoreContract = (name: string, make: () => Promise<BlobBench>, sizes: readonly number[]) =>
  describe(`BlobStore: ${name}`, () => {
    let bench: BlobBench;
    beforeAll(async () => {
      bench = await make();
    }, 180_000);
    afterAll(async () => {
      await bench.store.close();
      await bench.end();
    });

    it.each(sizes)('keeps %i bytes as they are', { timeout: 60_000 }, async (size) => {
      const blob = key();
      const bytes = randomBytes(size);
      const info = await bench.store.write(blob, pieces(bytes, 65_537));
      expect(info).toEqual({ sizeBytes: size, checksum: crc32(bytes) });
      expect((await readAll(bench.store, blob)).equals(bytes)).toBe(true);
      await bench.store.remove(blob);
      await expect(bench.store.read(blob)).rejects.toBeInstanceOf(BlobMissing);
    });

    it.each([10, 40_000_000])('keeps nothing of a content that breaks off after %i bytes', async (size) => {
      const broken = async function* (): AsyncGenerator<Uint8Array> {
        yield* pieces(Buffer.alloc(size, 1), 1_000_000);
        throw new Error('gone');
      };
      const blob = key();
      await expect(bench.store.write(blob, broken())).rejects.toThrow('gone');
      await expect(bench.store.read(blob)).rejects.toBeInstanceOf(BlobMissing);
      expect(await bench.kept()).toEqual([]);
    });

    it('keeps nothing of a write that is aborted', async () => {
      const abort = new AbortController();
      const endless = async function* (): AsyncGenerator<Uint8Array> {
        for (let count = 0; ; count++) {
          yield Buffer.alloc(1_000_000);
          if (count === 20) {
            abort.abort();
          }
        }
      };
      await expect(bench.store.write(key(), endless(), abort.signal)).rejects.toThrow();
      expect(await bench.kept()).toEqual([]);
    });

    it('removes twice, and what was never there', async () => {
      const blob = key();
      await bench.store.remove(blob);
      await bench.store.write(blob, pieces(Buffer.from('x'), 1));
      await bench.store.remove(blob);
      await bench.store.remove(blob);
      expect(await bench.kept()).toEqual([]);
    });

    it('asks for pieces no faster than it keeps them', async () => {
      let asked = 0;
      let most = 0;
      const blob = key();
      const watched = async function* (): AsyncGenerator<Uint8Array> {
        for (let count = 0; count < 64; count++) {
          asked += 1;
          yield Buffer.alloc(1_048_576);
          most = Math.max(most, asked);
          asked = 0;
        }
      };
      await bench.store.write(blob, watched());
      // Every piece was asked for after the one before it was taken over.
      expect(most).toBe(1);
      await bench.store.remove(blob);
    });
  });
