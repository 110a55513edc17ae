import { createHash } from 'node:crypto';
import { open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { HostError } from '../contract/index.ts';
import { isDiskFull } from '../helper/helper-error.ts';

/** How long a context waits for a build that asks for it. */
const KEPT_MS = 60 * 60_000;
const UNFINISHED = '.part';

/** Build contexts as they were uploaded: whole files, nothing in them is looked at. */
export class Contexts {
  readonly #directory: string;
  readonly #maxBytes: number;
  readonly #hashes = new Map<string, string>();

  constructor(directory: string, maxBytes: number) {
    this.#directory = directory;
    this.#maxBytes = maxBytes;
  }

  /** @throws HostError `tooLarge`, `cancelled`, `noSpace` */
  async put(buildId: string, body: AsyncIterable<Uint8Array>, signal: AbortSignal | undefined): Promise<void> {
    const path = join(this.#directory, buildId);
    const unfinished = `${path}.${Math.random().toString(36).slice(2)}${UNFINISHED}`;
    const file = await open(unfinished, 'wx', 0o644);
    const hash = createHash('sha256');
    let bytes = 0;
    try {
      for await (const piece of body) {
        if (signal?.aborted) {
          throw new HostError('cancelled', 'the upload was cancelled');
        }
        bytes += piece.byteLength;
        if (bytes > this.#maxBytes) {
          throw new HostError('tooLarge', `a build context has at most ${this.#maxBytes} bytes`);
        }
        hash.update(piece);
        await file.writeFile(piece);
      }
      await file.close();
      if (signal?.aborted) {
        throw new HostError('cancelled', 'the upload was cancelled');
      }
      await rename(unfinished, path);
      this.#hashes.set(buildId, hash.digest('hex'));
    } catch (error) {
      await file.close().catch(() => undefined);
      await rm(unfinished, { force: true });
      throw isDiskFull(error) ? new HostError('noSpace', 'no room for the build context') : error;
    }
    await this.#dropOld();
  }

  has(buildId: string): boolean {
    return this.#hashes.has(buildId);
  }

  hashOf(buildId: string): string {
    return this.#hashes.get(buildId) ?? '';
  }

  async drop(buildId: string): Promise<void> {
    this.#hashes.delete(buildId);
    await rm(join(this.#directory, buildId), { force: true });
  }

  /** Whatever an earlier life has left: the builds that asked for it have failed. */
  async clear(): Promise<void> {
    for (const name of await readdir(this.#directory)) {
      await rm(join(this.#directory, name), { recursive: true, force: true });
    }
  }

  /** Those of running builds are never so old: they were renamed when they came and are read at once. */
  async #dropOld(): Promise<void> {
    for (const buildId of this.#hashes.keys()) {
      const found = await stat(join(this.#directory, buildId)).catch(() => undefined);
      if (found === undefined || Date.now() - found.mtimeMs > KEPT_MS) {
        await this.drop(buildId);
      }
    }
  }
}
