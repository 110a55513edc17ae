import { encodeDataHeader, encodeEof, maxDataBytes } from '@berth/guest/protocol';

/** Guest's sending side of one channel: keeps what is unacknowledged, sends within credit, starts again where the host says. */
export class GuestChannel {
  readonly #streamId: () => number;
  readonly #channel: 1 | 2;
  #held = Buffer.alloc(0);
  #received = 0;
  #sent = 0;
  #limit = 0;
  #final: number | undefined;
  #endSent = false;
  #room: Array<() => void> = [];

  constructor(streamId: () => number, channel: 1 | 2, limit: number) {
    this.#streamId = streamId;
    this.#channel = channel;
    this.#limit = limit;
  }

  get received(): number {
    return this.#received;
  }

  /** Its end is known but not sent yet. */
  get unfinished(): boolean {
    return this.#final !== undefined && !this.#endSent;
  }

  push(bytes: Buffer): void {
    this.#held = Buffer.concat([this.#held, bytes]);
  }

  end(): void {
    this.#final = this.#received + this.#held.length;
  }

  /** Resolves when less than `bytes` are held. */
  async whenBelow(bytes: number): Promise<void> {
    while (this.#held.length >= bytes) {
      await new Promise<void>((resolve) => this.#room.push(resolve));
    }
  }

  credit(received: number, limit: number): void {
    this.#held = this.#held.subarray(received - this.#received);
    this.#received = received;
    this.#sent = Math.max(this.#sent, received);
    this.#limit = limit;
    const room = this.#room;
    this.#room = [];
    for (const wake of room) {
      wake();
    }
  }

  /** A new connection: nothing may be sent before the host has said from where. */
  pause(): void {
    this.#limit = 0;
    this.#endSent = false;
    this.#sent = this.#received;
  }

  /** Frames that may be sent now. */
  take(): Buffer[] {
    const frames: Buffer[] = [];
    const end = this.#received + this.#held.length;
    while (this.#sent < Math.min(end, this.#limit)) {
      const length = Math.min(end - this.#sent, this.#limit - this.#sent, maxDataBytes);
      const start = this.#sent - this.#received;
      frames.push(encodeDataHeader(this.#streamId(), this.#channel, this.#sent, length));
      frames.push(this.#held.subarray(start, start + length));
      this.#sent += length;
    }
    if (this.#final === this.#sent && !this.#endSent && this.#limit > 0) {
      this.#endSent = true;
      frames.push(encodeEof(this.#streamId(), this.#channel, this.#final));
    }
    return frames;
  }
}
