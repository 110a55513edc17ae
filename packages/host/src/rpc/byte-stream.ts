import { HostError } from '../contract/index.ts';
import { LendingQueue } from '../streams/lending-queue.ts';
import { passedOn } from '../streams/young-garbage.ts';
import { DATA_FRAME_BYTES, FrameType, WINDOW_BYTES } from './frame.ts';
import type { Peer } from './peer.ts';

/** Sending half of one stream: waits for the receiver's credit and for the socket. */
export class OutgoingStream {
  readonly #peer: Peer;
  readonly #callId: number;
  #creditBytes = WINDOW_BYTES;
  #failure: Error | undefined;
  #wake: Array<() => void> = [];

  constructor(peer: Peer, callId: number) {
    this.#peer = peer;
    this.#callId = callId;
  }

  grant(bytes: number): void {
    this.#creditBytes += bytes;
    this.#wakeAll();
  }

  fail(error: Error): void {
    this.#failure ??= error;
    this.#wakeAll();
  }

  /** Sends raw bytes in frames of a moderate size; resolves when the socket has taken them all, and they are the caller's again. */
  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.byteLength; ) {
      if (this.#creditBytes <= 0 || this.#peer.congested || this.#failure) {
        await this.#ready(1);
      }
      const size = Math.min(DATA_FRAME_BYTES, this.#creditBytes, bytes.byteLength - at);
      this.#creditBytes -= size;
      await this.#peer.sendLent(FrameType.data, this.#callId, bytes.subarray(at, at + size));
      at += size;
    }
  }

  /** Sends one message whole; it may overdraw the credit, so that a message larger than the window passes. */
  async writeWhole(type: FrameType, payload: Uint8Array): Promise<void> {
    if (this.#creditBytes <= 0 || this.#peer.congested || this.#failure) {
      await this.#ready(1);
    }
    this.#creditBytes -= payload.byteLength;
    this.#peer.send(type, this.#callId, payload);
  }

  async #ready(bytes: number): Promise<void> {
    while (true) {
      if (this.#failure) {
        throw this.#failure;
      }
      if (this.#creditBytes < bytes) {
        await new Promise<void>((resolve) => this.#wake.push(resolve));
      } else if (this.#peer.congested) {
        await this.#peer.drained();
      } else {
        return;
      }
    }
  }

  #wakeAll(): void {
    const waiting = this.#wake;
    this.#wake = [];
    for (const wake of waiting) {
      wake();
    }
  }
}

/**
 * Receiving half of one stream: a bounded queue that grants credit as it is read. One reader. A piece of raw bytes is lent: valid until the next one
 * is asked for.
 */
export class IncomingStream implements AsyncIterable<Buffer> {
  readonly #peer: Peer;
  readonly #callId: number;
  readonly #onAbandon: () => void;
  readonly #bytes = new LendingQueue();
  #items: Buffer[] = [];
  #heldBytes = 0;
  #consumedBytes = 0;
  #ended = false;
  #abandoned = false;
  #failure: Error | undefined;
  #wake: (() => void) | undefined;

  /** `onAbandon` is called once when the reader leaves before the end. */
  constructor(peer: Peer, callId: number, onAbandon: () => void) {
    this.#peer = peer;
    this.#callId = callId;
    this.#onAbandon = onAbandon;
  }

  /** Takes a copy of raw bytes. @returns false when the other side sent more than it was granted. */
  push(bytes: Buffer): boolean {
    return this.#take(bytes, () => this.#bytes.push(bytes));
  }

  /** The same for one item, which is handed out as it came. */
  pushItem(item: Buffer): boolean {
    passedOn(item.length);
    return this.#take(item, () => this.#items.push(Buffer.from(item)));
  }

  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  /** What came before is still read; after {@link end} nothing can go wrong any more. */
  fail(error: Error): void {
    if (!this.#ended) {
      this.#failure ??= error;
      this.#wake?.();
    }
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer, void, undefined> {
    try {
      while (true) {
        const next = this.#items.shift() ?? this.#bytes.lend();
        if (next) {
          this.#consume(next.length);
          yield next;
        } else if (this.#failure) {
          throw this.#failure;
        } else if (this.#ended) {
          return;
        } else {
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
          this.#wake = undefined;
        }
      }
    } finally {
      this.#leave();
    }
  }

  #take(bytes: Buffer, put: () => void): boolean {
    if (this.#abandoned) {
      return true;
    }
    const within = this.#heldBytes <= WINDOW_BYTES;
    put();
    this.#heldBytes += bytes.length;
    this.#wake?.();
    return within;
  }

  #leave(): void {
    if (!this.#ended && !this.#failure && !this.#abandoned) {
      this.#abandoned = true;
      this.#onAbandon();
    }
    this.#items = [];
    this.#bytes.clear();
    this.#failure ??= new HostError('cancelled', 'the stream was already read');
  }

  #consume(bytes: number): void {
    this.#heldBytes -= bytes;
    this.#consumedBytes += bytes;
    if (this.#consumedBytes >= WINDOW_BYTES / 2 && !this.#ended) {
      const credit = Buffer.allocUnsafe(4);
      credit.writeUInt32LE(this.#consumedBytes, 0);
      this.#consumedBytes = 0;
      this.#peer.send(FrameType.credit, this.#callId, credit);
    }
  }
}
