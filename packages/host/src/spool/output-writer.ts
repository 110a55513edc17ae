import { writev, writevSync } from 'node:fs';
import type { FilePool, Lease } from './file-pool.ts';
import { TimeIndexWriter } from './time-index.ts';

/** Beyond this size an output is written in the background, so that a slow disk never holds up other boxes. */
const backgroundFromBytes = 1024 * 1024;
const retryMs = 500;

/** Disk space that the outputs of one box share. */
export interface OutputBudget {
  /** @returns false when there is not enough left; nothing is taken then. */
  take(bytes: number): boolean;
}

export interface OutputWriterOptions {
  readonly pool: FilePool;
  readonly bytesPath: string;
  readonly indexPath: string;
  readonly sizeBytes: number;
  readonly firstMs: number | undefined;
  readonly budget: OutputBudget;
  /** More bytes are on the disk. */
  readonly onSpooled: () => void;
  /** Writing has to wait: no space. It is tried again until it works. */
  readonly onStalled: (reason: string) => void;
}

/** Appends one output to its file. What comes within one turn of the event loop is one write. */
export class OutputWriter {
  readonly #options: OutputWriterOptions;
  readonly #index: TimeIndexWriter;
  #pending: Buffer[] = [];
  #pendingBytes = 0;
  #sizeBytes: number;
  #discardedBytes = 0;
  #busy = false;
  #scheduled: NodeJS.Immediate | undefined;
  #retry: NodeJS.Timeout | undefined;
  #stalled = false;
  #discarding = false;

  constructor(options: OutputWriterOptions) {
    this.#options = options;
    this.#sizeBytes = options.sizeBytes;
    this.#index = new TimeIndexWriter(options.pool, options.indexPath, options.firstMs);
  }

  /** Bytes on the disk. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** Bytes dealt with: on the disk, or thrown away after `discard`. */
  get settledBytes(): number {
    return this.#sizeBytes + this.#discardedBytes;
  }

  /** Bytes have arrived that are being, or about to be, written. */
  get unsettled(): boolean {
    return this.#busy || (this.#pendingBytes > 0 && !this.#stalled);
  }

  get firstMs(): number | undefined {
    return this.#index.firstMs;
  }

  append(bytes: Buffer): void {
    this.#pending.push(bytes);
    this.#pendingBytes += bytes.length;
    this.#scheduled ??= setImmediate(() => this.flush());
  }

  /** Writes what is pending; small amounts are on the disk when it returns. */
  flush(): void {
    clearImmediate(this.#scheduled);
    this.#scheduled = undefined;
    if (this.#busy || this.#stalled || this.#pendingBytes === 0) {
      return;
    }
    if (this.#discarding) {
      this.#discardedBytes += this.#pendingBytes;
      this.#pending = [];
      this.#pendingBytes = 0;
      this.#options.onSpooled();
      return;
    }
    if (!this.#options.budget.take(this.#pendingBytes)) {
      this.#stall('the box has used up its space for output');
      return;
    }
    this.#write(this.#pending, this.#pendingBytes);
  }

  /** Throws away what is to come while there is no space, so that a killed execution can end. */
  discard(): void {
    if (this.#stalled) {
      this.#discarding = true;
      this.#unstall();
    }
  }

  /** Closes the files; what is pending is given up (the guest still has it). */
  close(): void {
    clearImmediate(this.#scheduled);
    clearTimeout(this.#retry);
    this.#stalled = true;
    this.#pending = [];
    this.#pendingBytes = 0;
    this.#index.close();
    this.#options.pool.drop(this.#options.bytesPath);
  }

  #write(buffers: Buffer[], length: number): void {
    this.#pending = [];
    this.#pendingBytes = 0;
    let lease: Lease | undefined;
    try {
      lease = this.#options.pool.create(this.#options.bytesPath);
      this.#index.note(Date.now(), this.#sizeBytes);
      if (this.#sizeBytes + length <= backgroundFromBytes) {
        const written = writevSync(lease.fd, buffers);
        lease.release();
        this.#written(buffers, written);
        return;
      }
    } catch (error) {
      lease?.release();
      this.#failed(buffers, error);
      return;
    }
    const held = lease;
    this.#busy = true;
    writev(held.fd, buffers, (error, written) => {
      this.#busy = false;
      held.release();
      if (error === null) {
        this.#written(buffers, written);
        this.flush();
      } else {
        this.#failed(buffers, error);
      }
    });
  }

  #written(buffers: Buffer[], written: number): void {
    this.#sizeBytes += written;
    let left = written;
    for (const [index, buffer] of buffers.entries()) {
      if (left < buffer.length) {
        this.#putBack([buffer.subarray(left), ...buffers.slice(index + 1)]);
        this.#scheduled ??= setImmediate(() => this.flush());
        break;
      }
      left -= buffer.length;
    }
    this.#options.onSpooled();
  }

  #failed(buffers: Buffer[], error: unknown): void {
    this.#putBack(buffers);
    this.#stall(error instanceof Error ? error.message : String(error));
  }

  #putBack(buffers: Buffer[]): void {
    this.#pending = [...buffers, ...this.#pending];
    this.#pendingBytes = this.#pending.reduce((sum, buffer) => sum + buffer.length, 0);
  }

  #stall(reason: string): void {
    this.#stalled = true;
    this.#retry = setTimeout(() => this.#unstall(), retryMs);
    this.#retry.unref();
    this.#options.onStalled(reason);
  }

  #unstall(): void {
    clearTimeout(this.#retry);
    this.#stalled = false;
    this.flush();
  }
}
