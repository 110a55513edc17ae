import { fstatSync, readSync, writeSync } from 'node:fs';
import type { FilePool } from './file-pool.ts';

const recordBytes = 16;
const fineMs = 20;
const coarseMs = 1_000;
/** Records at the fine interval; a longer output is timed by the second, so that the index stays small. */
const fineRecords = 10_000;
const maxLoadedBytes = 1024 * 1024;

/**
 * When which byte of an output came: fixed records (time, offset), at most one per 20 ms, in a file beside the output. The first byte's time is
 * not in the file but with the execution, so that a short output needs no index.
 */
export class TimeIndexWriter {
  readonly #pool: FilePool;
  readonly #path: string;
  readonly #record = Buffer.alloc(recordBytes);
  #records: number;
  #lastMs: number;
  firstMs: number | undefined;

  constructor(pool: FilePool, path: string, firstMs: number | undefined) {
    this.#pool = pool;
    this.#path = path;
    this.firstMs = firstMs;
    this.#lastMs = firstMs ?? 0;
    this.#records = 0;
  }

  /** The first byte came at `nowMs`. */
  begin(nowMs: number): void {
    if (this.firstMs === undefined) {
      this.firstMs = nowMs;
      this.#lastMs = nowMs;
    }
  }

  /** Bytes from `offset` on are being written at `nowMs`. */
  note(nowMs: number, offset: number): void {
    if (this.firstMs === undefined) {
      this.begin(nowMs);
      return;
    }
    if (nowMs - this.#lastMs < (this.#records < fineRecords ? fineMs : coarseMs)) {
      return;
    }
    this.#lastMs = nowMs;
    this.#records += 1;
    this.#record.writeBigUInt64LE(BigInt(nowMs), 0);
    this.#record.writeBigUInt64LE(BigInt(offset), 8);
    const lease = this.#pool.create(this.#path);
    try {
      writeSync(lease.fd, this.#record);
    } finally {
      lease.release();
    }
  }

  close(): void {
    this.#pool.drop(this.#path);
  }
}

/** Times of an output, read back. */
export class TimeIndex {
  readonly #firstMs: number;
  readonly #times: number[] = [];
  readonly #offsets: number[] = [];

  /** @param firstMs time of the first byte */
  constructor(pool: FilePool, path: string, firstMs: number) {
    this.#firstMs = firstMs;
    const lease = pool.open(path);
    if (lease === undefined) {
      return;
    }
    try {
      const size = Math.floor(fstatSync(lease.fd).size / recordBytes) * recordBytes;
      const bytes = Buffer.alloc(Math.min(size, maxLoadedBytes));
      const read = readSync(lease.fd, bytes, 0, bytes.length, size - bytes.length);
      for (let position = 0; position + recordBytes <= read; position += recordBytes) {
        this.#times.push(Number(bytes.readBigUInt64LE(position)));
        this.#offsets.push(Number(bytes.readBigUInt64LE(position + 8)));
      }
    } finally {
      lease.release();
    }
  }

  /** When the byte at `offset` came (Unix milliseconds). */
  at(offset: number): number {
    let low = 0;
    let high = this.#offsets.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#offsets[middle] ?? 0) <= offset) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return this.#times[low - 1] ?? this.#firstMs;
  }
}
