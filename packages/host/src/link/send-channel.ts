import { maxDataBytes, ProtocolBreach } from '@berth/guest/protocol';

/** Bytes to be sent in one DATA frame. */
export interface Piece {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

interface Waiter {
  readonly offset: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** Sending side of channel 0: keeps what the guest has not acknowledged, sends within credit, resumes at any offset. */
export class SendChannel {
  /** Unacknowledged bytes, from `#received` on. */
  #chunks: Uint8Array[] = [];
  #received = 0;
  #written = 0;
  #sent = 0;
  #highestSent = 0;
  #limit = 0;
  #ended = false;
  #endSent = false;
  /** Position of `#sent` in `#chunks`. */
  #cursor = { index: 0, within: 0 };
  #waiters: Waiter[] = [];
  #failure: Error | undefined;

  get written(): number {
    return this.#written;
  }

  get received(): number {
    return this.#received;
  }

  /** Bytes kept. */
  get heldBytes(): number {
    return this.#written - this.#received;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Something was sent, or is to be sent, that the guest has not taken yet. */
  get waiting(): boolean {
    return this.heldBytes > 0;
  }

  push(bytes: Uint8Array): void {
    if (this.#failure !== undefined) {
      throw this.#failure;
    }
    if (bytes.length > 0) {
      this.#chunks.push(bytes);
      this.#written += bytes.length;
    }
  }

  end(): void {
    this.#ended = true;
  }

  /** Resolves when the guest has taken everything below `offset`. */
  whenReceived(offset: number): Promise<void> {
    if (this.#received >= offset) {
      return Promise.resolve();
    }
    if (this.#failure !== undefined) {
      return Promise.reject(this.#failure);
    }
    return new Promise((resolve, reject) => this.#waiters.push({ offset, resolve, reject }));
  }

  /** The next bytes that credit allows to be sent. */
  take(): Piece | undefined {
    const { index, within } = this.#cursor;
    const chunk = this.#chunks[index];
    const room = Math.min(this.#limit - this.#sent, maxDataBytes);
    if (chunk === undefined || room <= 0 || this.#failure !== undefined) {
      return undefined;
    }
    const bytes = chunk.subarray(within, within + room);
    const offset = this.#sent;
    this.#sent += bytes.length;
    this.#highestSent = Math.max(this.#highestSent, this.#sent);
    const whole = within + bytes.length === chunk.length;
    this.#cursor = whole ? { index: index + 1, within: 0 } : { index, within: within + bytes.length };
    return { offset, bytes };
  }

  /** The final offset, once, when everything before it has been sent. */
  takeEnd(): number | undefined {
    if (!this.#ended || this.#endSent || this.#sent < this.#written || this.#failure !== undefined) {
      return undefined;
    }
    this.#endSent = true;
    return this.#written;
  }

  /** CREDIT from the guest. @throws ProtocolBreach */
  credit(received: number, limit: number): void {
    if (received > this.#highestSent || received < this.#received || limit < received) {
      throw new ProtocolBreach(`credit ${received}/${limit} where ${this.#received}…${this.#highestSent} was sent`);
    }
    this.#limit = Math.max(this.#limit, limit);
    this.#forget(received);
  }

  /** A new connection on which the guest does not know the stream: everything is sent from the start. */
  restart(): void {
    this.#limit = 0;
    this.#rewind();
  }

  /** First CREDIT of a listed stream on a new connection. @throws ProtocolBreach */
  resume(received: number, limit: number): void {
    this.#limit = limit;
    this.credit(received, limit);
    this.#rewind();
  }

  /** Takes over a stream of an earlier life of the host, of which only the guest knows how much it got. */
  adopt(received: number, limit: number): void {
    this.#received = received;
    this.#written = received;
    this.#highestSent = received;
    this.#limit = limit;
    this.#rewind();
  }

  /** Nothing will be taken any more. */
  fail(error: Error): void {
    this.#failure ??= error;
    this.#chunks = [];
    this.#received = this.#written;
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiters) {
      waiter.reject(error);
    }
  }

  #rewind(): void {
    this.#sent = this.#received;
    this.#endSent = false;
    this.#cursor = { index: 0, within: 0 };
  }

  #forget(received: number): void {
    let surplus = received - this.#received;
    let whole = 0;
    for (let chunk = this.#chunks[0]; chunk !== undefined && surplus >= chunk.length; chunk = this.#chunks[whole]) {
      surplus -= chunk.length;
      whole += 1;
    }
    this.#chunks.splice(0, whole);
    const first = this.#chunks[0];
    if (first !== undefined && surplus > 0) {
      this.#chunks[0] = first.subarray(surplus);
    }
    const { index, within } = this.#cursor;
    this.#cursor =
      index >= whole
        ? { index: index - whole, within: index === whole ? Math.max(0, within - surplus) : within }
        : { index: 0, within: 0 };
    this.#received = received;
    this.#sent = Math.max(this.#sent, received);
    const [due, rest] = [[] as Waiter[], [] as Waiter[]];
    for (const waiter of this.#waiters) {
      (waiter.offset <= received ? due : rest).push(waiter);
    }
    this.#waiters = rest;
    for (const waiter of due) {
      waiter.resolve();
    }
  }
}
