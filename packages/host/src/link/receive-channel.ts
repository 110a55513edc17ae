import { ProtocolBreach } from '@berth/guest/protocol';

/** Receiving side of one channel: offsets, credit, end. Knows nothing of sockets; every rule that a guest can break is checked here. */
export class ReceiveChannel {
  readonly #windowBytes: number;
  #arrived: number;
  #received: number;
  #limit: number;
  #finalOffset: number | undefined;

  /** @param start offset up to which everything is already safe (after a restart of the host). */
  constructor(windowBytes: number, start = 0) {
    this.#windowBytes = windowBytes;
    this.#arrived = start;
    this.#received = start;
    this.#limit = start + windowBytes;
  }

  /** The guest may send below this offset. */
  get limit(): number {
    return this.#limit;
  }

  /** Everything below is safe: written to disk, or taken over by its consumer. */
  get received(): number {
    return this.#received;
  }

  get finalOffset(): number | undefined {
    return this.#finalOffset;
  }

  /** All that the channel will ever carry is safe. */
  get complete(): boolean {
    return this.#finalOffset !== undefined && this.#received === this.#finalOffset;
  }

  /** @returns the bytes not seen before, `undefined` when there are none. @throws ProtocolBreach */
  accept(offset: number, bytes: Buffer): Buffer | undefined {
    const end = offset + bytes.length;
    if (offset > this.#arrived || end > this.#limit || end > (this.#finalOffset ?? end)) {
      throw new ProtocolBreach(
        `data [${offset}, ${end}) after ${this.#arrived}, limit ${this.#limit}, end ${this.#finalOffset ?? 'open'}`,
      );
    }
    if (end <= this.#arrived) {
      return undefined;
    }
    const fresh = bytes.subarray(this.#arrived - offset);
    this.#arrived = end;
    return fresh;
  }

  /** @returns whether the end is news. @throws ProtocolBreach */
  acceptEof(finalOffset: number): boolean {
    if (finalOffset !== this.#arrived) {
      throw new ProtocolBreach(`end at ${finalOffset} after ${this.#arrived} bytes`);
    }
    const news = this.#finalOffset === undefined;
    this.#finalOffset = finalOffset;
    return news;
  }

  /**
   * Everything below `received` is safe now.
   * @returns whether the guest should hear of it at once: a quarter of the window is free again.
   */
  acknowledge(received: number): boolean {
    this.#received = received;
    if (this.#finalOffset === undefined && received + this.#windowBytes - this.#limit >= this.#windowBytes / 4) {
      this.#limit = received + this.#windowBytes;
      return true;
    }
    return false;
  }

  /** A new connection: what arrived and is not safe yet will be sent again and is dropped then. */
  resume(): void {
    this.#limit = Math.max(this.#limit, this.#received + this.#windowBytes);
  }
}
