const firstBytes = 16 * 1024;
/** Longest piece that is lent at once. */
export const lentBytes = 256 * 1024;

/**
 * Bytes on their way from one that brings them to one that asks for them. They are copied in, and lent out without another copy, from a ring that
 * is used again and again: a long stream makes no garbage. Borders of pieces mean nothing. The ring grows to what was ever held at once; who brings
 * the bytes bounds that (by credit).
 */
export class LendingQueue {
  #ring = Buffer.alloc(0);
  /** Position of the oldest byte, lent ones included. */
  #start = 0;
  #length = 0;
  #lent = 0;

  /** Bytes held that are not lent. */
  get heldBytes(): number {
    return this.#length - this.#lent;
  }

  /** Takes a copy of the bytes. */
  push(bytes: Uint8Array): void {
    if (this.#length + bytes.length > this.#ring.length) {
      this.#grow(this.#length + bytes.length);
    }
    const at = (this.#start + this.#length) % Math.max(1, this.#ring.length);
    const untilEnd = Math.min(bytes.length, this.#ring.length - at);
    this.#ring.set(bytes.subarray(0, untilEnd), at);
    this.#ring.set(bytes.subarray(untilEnd), 0);
    this.#length += bytes.length;
  }

  /** The next piece, `undefined` when there is none. What it lent before is taken back: its bytes may change from now on. */
  lend(): Buffer | undefined {
    this.#takeBack();
    if (this.#length === 0) {
      return undefined;
    }
    this.#lent = Math.min(this.#length, this.#ring.length - this.#start, lentBytes);
    return this.#ring.subarray(this.#start, this.#start + this.#lent);
  }

  /** Drops everything. What is lent stays as it is. */
  clear(): void {
    this.#ring = Buffer.alloc(0);
    this.#start = 0;
    this.#length = 0;
    this.#lent = 0;
  }

  #takeBack(): void {
    this.#length -= this.#lent;
    // From the front again whenever it is empty: what was used last is still in the processor's cache.
    this.#start = this.#length === 0 ? 0 : (this.#start + this.#lent) % this.#ring.length;
    this.#lent = 0;
  }

  #grow(neededBytes: number): void {
    let size = Math.max(firstBytes, this.#ring.length);
    while (size < neededBytes) {
      size *= 2;
    }
    const ring = Buffer.allocUnsafeSlow(size);
    const untilEnd = Math.min(this.#length, this.#ring.length - this.#start);
    this.#ring.copy(ring, 0, this.#start, this.#start + untilEnd);
    this.#ring.copy(ring, untilEnd, 0, this.#length - untilEnd);
    this.#ring = ring;
    this.#start = 0;
  }
}
