import type { FileHandle } from 'node:fs/promises';

/** Pieces are gathered into writes of this size. */
const batchBytes = 1024 * 1024;
/** Written bytes are brought to the disk in steps, so that the last step is not all of them. */
const flushBytes = 64 * 1024 * 1024;

/** Appends to a file: gathers pieces while the write before is under way. At most two batches are kept. */
export class FileSink {
  readonly #file: FileHandle;
  #pieces: Uint8Array[] = [];
  #gatheredBytes = 0;
  #unflushedBytes = 0;
  #writing: Promise<void> = Promise.resolve();
  #flushing: Promise<void> | undefined;

  constructor(file: FileHandle) {
    this.#file = file;
  }

  /** Resolves when there is room for the next piece. Rejects when an earlier write has failed. */
  async push(piece: Uint8Array): Promise<void> {
    this.#pieces.push(piece);
    this.#gatheredBytes += piece.byteLength;
    if (this.#gatheredBytes >= batchBytes) {
      await this.#writing;
      this.#begin();
    }
  }

  /** All bytes are on the disk when it resolves. */
  async end(): Promise<void> {
    await this.#writing;
    this.#begin();
    await this.#writing;
    await this.#flushing;
    await this.#file.datasync();
  }

  /** Nothing of it touches the file any more when it resolves. */
  async settle(): Promise<void> {
    await Promise.allSettled([this.#writing, this.#flushing]);
  }

  #begin(): void {
    const pieces = this.#pieces;
    const bytes = this.#gatheredBytes;
    this.#pieces = [];
    this.#gatheredBytes = 0;
    if (bytes > 0) {
      this.#writing = this.#write(pieces, bytes);
      // Whoever awaits it next gets the error; until then it is nobody's.
      this.#writing.catch(() => undefined);
    }
  }

  async #write(pieces: Uint8Array[], bytes: number): Promise<void> {
    let rest = pieces;
    for (;;) {
      const { bytesWritten } = await this.#file.writev(rest);
      rest = without(rest, bytesWritten);
      if (rest.length === 0) {
        break;
      }
    }
    this.#unflushedBytes += bytes;
    if (this.#unflushedBytes >= flushBytes && this.#flushing === undefined) {
      this.#unflushedBytes = 0;
      this.#flushing = this.#file.datasync().finally(() => {
        this.#flushing = undefined;
      });
      this.#flushing.catch(() => undefined);
    }
  }
}

/** What is left of the pieces after their first bytes. */
const without = (pieces: readonly Uint8Array[], bytes: number): Uint8Array[] => {
  let skip = bytes;
  return pieces.flatMap((piece) => {
    const cut = Math.min(skip, piece.byteLength);
    skip -= cut;
    return cut === piece.byteLength ? [] : [piece.subarray(cut)];
  });
};
