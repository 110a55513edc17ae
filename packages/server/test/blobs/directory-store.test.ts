import { mkdtemp, open, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { BlobDamaged, verified } from '../../src/blobs/checksum.ts';
import { DirectoryStore } from '../../src/blobs/directory-store.ts';
import { blobStoreContract, readAll } from './contract.ts';

const roots: string[] = [];
const make = async () => {
  const root = await mkdtemp(join(tmpdir(), 'berth-blobs-'));
  roots.push(root);
  const kept = async () => {
    const entries = await readdir(root, { recursive: true, withFileTypes: true });
    return entries.filter((entry) => entry.isFile()).map((entry) => entry.name);
  };
  return { root, store: new DirectoryStore(root), kept, end: async () => undefined };
};

afterAll(async () => {
  await Promise.all(roots.map((root) => rm(root, { recursive: true, force: true })));
});

blobStoreContract('directory', make, [0, 1, 1_048_576, 5_000_001, 70_000_000]);

const text = async function* (): AsyncGenerator<Uint8Array> {
  yield Buffer.from('content');
};

it('removes what a killed server had been writing, by its key', async () => {
  const { root, store, kept } = await make();
  await store.write('obj-blob-one', text());
  const half = await open(join(root, 'incoming', 'obj-blob-two'), 'w');
  await half.close();
  await store.remove('obj-blob-two');
  expect(await kept()).toEqual(['obj-blob-one']);
});

it('takes no key that leads elsewhere', async () => {
  const { store } = await make();
  for (const key of ['../../etc/passwd', 'a/b/c/d/e/f', '', '.', 'x'.repeat(300)]) {
    await expect(store.write(key, text())).rejects.toThrow('not a key');
    await expect(store.remove(key)).rejects.toThrow('not a key');
  }
});

it('tells damage before the last piece of it is out', async () => {
  const { root, store } = await make();
  const info = await store.write('obj-blob-one', text());
  const file = await open(join(root, 'ne', 'obj-blob-one'), 'r+');
  await file.write('C', 0);
  await file.close();
  expect((await readAll(store, 'obj-blob-one')).toString()).toBe('Content');
  const seen: Uint8Array[] = [];
  const read = async (): Promise<void> => {
    for await (const piece of verified((await store.read('obj-blob-one')).content, info)) {
      seen.push(Uint8Array.from(piece));
    }
  };
  await expect(read()).rejects.toBeInstanceOf(BlobDamaged);
  expect(Buffer.concat(seen).toString()).not.toBe('Content');
});
