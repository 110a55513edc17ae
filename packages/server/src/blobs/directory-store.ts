import { type FileHandle, mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type BlobInfo, BlobMissing, type BlobStore, BlobStoreFull } from './blob-store.ts';
import { Tally } from './checksum.ts';
import { FileSink } from './file-sink.ts';

const pieceBytes = 1024 * 1024;
const wellFormedKey = /^[A-Za-z0-9_-]{8,200}$/;
const fullCodes: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

const codeOf = (error: unknown): string => (error instanceof Error && 'code' in error ? String(error.code) : '');

const syncDirectory = async (path: string): Promise<void> => {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
};

/**
 * Blobs as files below one directory. Bytes gather in a file in `incoming`, which is renamed into its place once it is whole and on the
 * disk.
 */
export class DirectoryStore implements BlobStore {
  readonly #root: string;
  readonly #incoming: string;
  #isReady: Promise<void> | undefined;

  constructor(root: string) {
    this.#root = root;
    this.#incoming = join(root, 'incoming');
  }

  async write(key: string, content: AsyncIterable<Uint8Array>, signal?: AbortSignal): Promise<BlobInfo> {
    const target = this.#path(key);
    await this.#ready();
    const temporary = join(this.#incoming, key);
    try {
      const file = await open(temporary, 'wx', 0o600);
      try {
        const info = await fill(file, content, signal);
        await mkdir(this.#folder(key), { recursive: true, mode: 0o700 });
        await rename(temporary, target);
        await syncDirectory(this.#folder(key));
        return info;
      } finally {
        await file.close();
      }
    } catch (error) {
      await rm(temporary, { force: true });
      throw fullCodes.has(codeOf(error)) ? new BlobStoreFull('no space left', { cause: error }) : error;
    }
  }

  async read(key: string): Promise<{ readonly sizeBytes: number; readonly content: AsyncIterable<Uint8Array> }> {
    const path = this.#path(key);
    const { size } = await stat(path).catch((error: unknown) => {
      throw codeOf(error) === 'ENOENT' ? new BlobMissing(`no blob ${key}`, { cause: error }) : error;
    });
    return { sizeBytes: size, content: lent(path) };
  }

  async remove(key: string): Promise<void> {
    await rm(join(this.#incoming, key), { force: true });
    await rm(this.#path(key), { force: true });
  }

  async close(): Promise<void> {
    // Nothing is held.
  }

  #folder(key: string): string {
    return join(this.#root, key.slice(-2));
  }

  /** The last two characters of a key are as good as random: no folder gets too many files. */
  #path(key: string): string {
    if (!wellFormedKey.test(key)) {
      throw new Error(`not a key of a blob: ${key.slice(0, 100)}`);
    }
    return join(this.#folder(key), key);
  }

  #ready(): Promise<void> {
    this.#isReady ??= mkdir(this.#incoming, { recursive: true, mode: 0o700 }).then(
      () => undefined,
      (error: unknown) => {
        this.#isReady = undefined;
        throw error;
      },
    );
    return this.#isReady;
  }
}

/** The file in pieces, each lent until the next one is asked for, which is read meanwhile. Opened only when the first one is. */
async function* lent(path: string): AsyncGenerator<Uint8Array> {
  const file = await open(path, 'r');
  let reading: Promise<{ readonly bytesRead: number }> | undefined;
  try {
    let [next, other] = [Buffer.allocUnsafeSlow(pieceBytes), Buffer.allocUnsafeSlow(pieceBytes)];
    reading = file.read(next, 0, pieceBytes);
    for (;;) {
      const { bytesRead } = await reading;
      if (bytesRead === 0) {
        return;
      }
      const piece = next.subarray(0, bytesRead);
      [next, other] = [other, next];
      reading = file.read(next, 0, pieceBytes);
      reading.catch(() => undefined);
      yield piece;
    }
  } finally {
    await reading?.catch(() => undefined);
    await file.close();
  }
}

const fill = async (
  file: FileHandle,
  content: AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
): Promise<BlobInfo> => {
  const sink = new FileSink(file);
  const tally = new Tally();
  try {
    for await (const piece of content) {
      signal?.throwIfAborted();
      tally.add(piece);
      await sink.push(piece);
    }
    signal?.throwIfAborted();
    await sink.end();
  } finally {
    await sink.settle();
  }
  return { sizeBytes: tally.sizeBytes, checksum: tally.checksum };
};
