import { read, readSync } from 'node:fs';
import { promisify } from 'node:util';
import type { OutputTail } from '../contract/index.ts';
import type { FilePool } from './file-pool.ts';
import { continuationHead, utf8Text } from './utf8.ts';

const readAsync = promisify(read);
const firstBlockBytes = 8 * 1024;

/** Most bytes that a tail of lines may have. */
export const maxTailBytes = 4 * 1024 * 1024;

/** Where the bytes of an output are. */
export interface OutputContent {
  readonly path: string;
  /** All of them, while or because there is no file. */
  memory(): Uint8Array | undefined;
}

/** Reads outputs back from their files, or from memory where there is none. */
export class OutputReader {
  readonly #pool: FilePool;

  constructor(pool: FilePool) {
    this.#pool = pool;
  }

  /** Up to `length` bytes from `offset` on, without blocking on the disk. */
  async read(content: OutputContent, offset: number, length: number): Promise<Buffer> {
    const memory = content.memory();
    if (memory !== undefined) {
      return part(memory, offset, length);
    }
    const lease = this.#pool.open(content.path);
    if (lease === undefined) {
      return Buffer.alloc(0);
    }
    try {
      const buffer = Buffer.allocUnsafe(length);
      const { bytesRead } = await readAsync(lease.fd, buffer, 0, length, offset);
      return buffer.subarray(0, bytesRead);
    } finally {
      lease.release();
    }
  }

  /** The last `lastLines` lines of the first `sizeBytes` bytes: exact bytes, at most 4 MiB of them. */
  tail(content: OutputContent, sizeBytes: number, lastLines: number): OutputTail {
    if (sizeBytes === 0 || lastLines <= 0) {
      return { text: '', truncated: sizeBytes > 0 };
    }
    const { bytes, start } = this.tailBytes(content, sizeBytes, lastLines);
    return { text: utf8Text(bytes), truncated: start > 0 };
  }

  /** As `tail`, as bytes with their offset. A cut inside a line falls on a UTF-8 boundary. */
  tailBytes(
    content: OutputContent,
    sizeBytes: number,
    lastLines: number,
  ): { readonly bytes: Buffer; readonly start: number } {
    let length = Math.min(sizeBytes, firstBlockBytes);
    for (;;) {
      const start = sizeBytes - length;
      const bytes = this.#readSync(content, start, length);
      const from = startOfLastLines(bytes, lastLines);
      if (from > 0) {
        return { bytes: bytes.subarray(from), start: start + from };
      }
      if (start === 0) {
        return { bytes, start };
      }
      if (length >= maxTailBytes) {
        const head = continuationHead(bytes);
        return { bytes: bytes.subarray(head), start: start + head };
      }
      length = Math.min(sizeBytes, maxTailBytes, length * 8);
    }
  }

  #readSync(content: OutputContent, offset: number, length: number): Buffer {
    const memory = content.memory();
    if (memory !== undefined) {
      return part(memory, offset, length);
    }
    const lease = this.#pool.open(content.path);
    if (lease === undefined) {
      return Buffer.alloc(0);
    }
    try {
      const buffer = Buffer.allocUnsafe(length);
      return buffer.subarray(0, readSync(lease.fd, buffer, 0, length, offset));
    } finally {
      lease.release();
    }
  }
}

const part = (memory: Uint8Array, offset: number, length: number): Buffer =>
  Buffer.from(memory.buffer, memory.byteOffset, memory.byteLength).subarray(offset, offset + length);

const newline = 0x0a;

/** Where the last `count` lines begin; 0 when there are no more (then it is not known whether the first one is whole). */
const startOfLastLines = (bytes: Buffer, count: number): number => {
  // a final newline ends the last line and begins none
  let end = bytes.at(-1) === newline ? bytes.length - 1 : bytes.length;
  for (let lines = 0; lines < count; lines += 1) {
    const position = end === 0 ? -1 : bytes.lastIndexOf(newline, end - 1);
    if (position < 0) {
      return 0;
    }
    if (lines === count - 1) {
      return position + 1;
    }
    end = position;
  }
  return 0;
};
