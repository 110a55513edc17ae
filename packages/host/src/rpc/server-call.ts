import { HostError } from '../contract/index.ts';
import { IncomingStream, OutgoingStream } from './byte-stream.ts';
import { FrameType } from './frame.ts';
import type { Peer } from './peer.ts';
import { toWire } from './wire-error.ts';

/** One call as the host sees it: who runs it is told by the signal when the client is no longer there. */
export class ServerCall {
  readonly id: number;
  /** Bytes that came with the call itself. */
  readonly raw: Buffer;
  readonly #peer: Peer;
  readonly #abort = new AbortController();
  #incoming: IncomingStream | undefined;
  #outgoing: OutgoingStream | undefined;

  constructor(peer: Peer, id: number, raw: Buffer) {
    this.#peer = peer;
    this.id = id;
    this.raw = raw;
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Bytes from the client. */
  get incoming(): IncomingStream {
    this.#incoming ??= new IncomingStream(this.#peer, this.id, () => undefined);
    return this.#incoming;
  }

  /** Bytes and items to the client. */
  get outgoing(): OutgoingStream {
    this.#outgoing ??= new OutgoingStream(this.#peer, this.id);
    return this.#outgoing;
  }

  head(value: unknown): void {
    this.#peer.sendJson(FrameType.head, this.id, value);
  }

  async item(value: unknown): Promise<void> {
    await this.outgoing.writeWhole(FrameType.item, Buffer.from(JSON.stringify(value)));
  }

  endData(): void {
    this.#peer.sendEmpty(FrameType.end, this.id);
  }

  succeed(value: unknown): void {
    if (!this.signal.aborted) {
      this.#peer.sendJson(FrameType.result, this.id, value);
    }
  }

  fail(error: unknown): void {
    if (!this.signal.aborted) {
      this.#peer.sendJson(FrameType.failure, this.id, toWire(error));
    }
  }

  /** The client has gone or does not want the answer. */
  cancel(error: HostError = new HostError('cancelled', 'the client gave the call up')): void {
    this.#abort.abort(error);
    this.#incoming?.fail(error);
    this.#outgoing?.fail(error);
  }

  /** @returns false when the frame breaks the protocol. */
  frame(type: number, payload: Buffer): boolean {
    switch (type) {
      case FrameType.data:
        return this.incoming.push(payload);
      case FrameType.end:
        this.incoming.end();
        return true;
      case FrameType.credit:
        this.outgoing.grant(payload.readUInt32LE(0));
        return true;
      case FrameType.cancel:
        this.cancel();
        return true;
      default:
        return false;
    }
  }
}
