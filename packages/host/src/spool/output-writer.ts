import { writev, writevSync } from 'node:fs';
import type { FilePool, Lease } from './file-pool.ts';
import { TimeIndexWriter } from './time-index.ts';

/** Beyond this size an output is written in the background, so that a slow disk never holds up other boxes. */
const backgroundFromBytes = 1024 * 1024;
const retryMs = 500;
/** A small output is kept in memory, unacknowledged, so that an execution that ends soon needs no file. */
const maxHeldBytes = 16 * 1024;
const maxHeldMs = 100;
/** Bytes that come later than this after the first are timed apart, which needs the file. */
const oneTimeMs = 20;

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

/**
 * Takes one output to the disk. What comes within one turn of the event loop is one write. The first few KiB are held in memory for a moment,
 * unacknowledged: an execution that ends by then has them recorded with its end, in the database.
 */
export class OutputWriter {
  readonly #options: OutputWriterOptions;
  readonly #index: TimeIndexWriter;
  #held: Buffer[] | undefined;
  #heldBytes = 0;
  #holdTimer: NodeJS.Timeout | undefined;
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
    this.#held = options.sizeBytes === 0 ? [] : undefined;
    this.#index = new TimeIndexWriter(options.pool, options.indexPath, options.firstMs);
  }

  /** Bytes that can be read: in the file, or held. */
  get sizeBytes(): number {
    return this.#sizeBytes + this.#heldBytes;
  }

  /** Bytes that the guest may forget: in the file, or thrown away after `discard`. */
  get settledBytes(): number {
    return this.#sizeBytes + this.#discardedBytes;
  }

  /** Bytes dealt with in any way. */
  get takenBytes(): number {
    return this.settledBytes + this.#heldBytes;
  }

  /** The whole output while there is no file of it. */
  get held(): Buffer | undefined {
    return this.#held === undefined ? undefined : Buffer.concat(this.#held);
  }

  /** Bytes have arrived that are being, or about to be, written. */
  get unsettled(): boolean {
    return this.#busy || (this.#pendingBytes > 0 && !this.#stalled);
  }

  get firstMs(): number | undefined {
    return this.#index.firstMs;
  }

  append(bytes: Buffer): void {
    const nowMs = Date.now();
    if (this.#held !== undefined && this.#hold(this.#held, bytes, nowMs)) {
      this.#scheduled ??= setImmediate(() => this.#announce());
      return;
    }
    this.#spill();
    this.#pending.push(bytes);
    this.#pendingBytes += bytes.length;
    this.#scheduled ??= setImmediate(() => this.flush());
  }

  /** Writes what is pending; small amounts are on the disk when it returns. */
  flush(): void {
    clearImmediate(this.#scheduled);
    this.#scheduled = undefined;
    if (this.#held !== undefined) {
      return;
    }
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
    clearTimeout(this.#holdTimer);
    this.#stalled = true;
    this.#pending = [];
    this.#pendingBytes = 0;
    if (this.#held !== undefined) {
      return;
    }
    this.#index.close();
    this.#options.pool.drop(this.#options.bytesPath);
  }

  /** @returns false when there is too much of it, or it comes too late, to be held */
  #hold(held: Buffer[], bytes: Buffer, nowMs: number): boolean {
    const firstMs = this.#index.firstMs ?? nowMs;
    if (this.#heldBytes + bytes.length > maxHeldBytes || nowMs - firstMs >= oneTimeMs) {
      return false;
    }
    this.#index.begin(firstMs);
    // a copy: the view would keep the whole chunk of the socket
    held.push(Buffer.from(bytes));
    this.#heldBytes += bytes.length;
    this.#holdTimer ??= setTimeout(() => this.#spill(), maxHeldMs);
    return true;
  }

  #announce(): void {
    this.#scheduled = undefined;
    this.#options.onSpooled();
  }

  /** What is held goes to the file. */
  #spill(): void {
    if (this.#held !== undefined) {
      clearTimeout(this.#holdTimer);
      this.#pending = this.#held;
      this.#pendingBytes = this.#heldBytes;
      this.#held = undefined;
      this.#heldBytes = 0;
      this.flush();
    }
  }

  #write(buffers: Buffer[], length: number): void {
    this.#pending = [];
    this.#pendingBytes = 0;
    let lease: Lease | undefined;
    try {
      lease = this.#options.pool.create(this.#options.bytesPath);
      if (this.#sizeBytes > 0 || this.firstMs === undefined) {
        this.#index.note(Date.now(), this.#sizeBytes);
      }
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
