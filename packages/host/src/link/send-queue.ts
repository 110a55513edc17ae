import { encodeDataHeader, encodeEof } from '@berth/guest/protocol';
import type { GuestConnection } from './guest-connection.ts';
import type { GuestStream } from './guest-stream.ts';

/** Streams that may have something to send. They take turns, a frame each, as long as credit and the connection allow. */
export class SendQueue {
  readonly #streams = new Set<GuestStream>();

  add(stream: GuestStream): void {
    this.#streams.add(stream);
  }

  delete(stream: GuestStream): void {
    this.#streams.delete(stream);
  }

  clear(): void {
    this.#streams.clear();
  }

  pump(connection: GuestConnection): void {
    // a stream that is added again while this goes on comes last
    for (const stream of this.#streams) {
      if (connection.busy) {
        return;
      }
      this.#streams.delete(stream);
      if (stream.present && sendNext(stream, connection)) {
        this.#streams.add(stream);
      }
    }
  }
}

/** @returns whether there may be more */
const sendNext = (stream: GuestStream, connection: GuestConnection): boolean => {
  const piece = stream.send?.take();
  if (piece !== undefined) {
    connection.write(encodeDataHeader(stream.id, 0, piece.offset, piece.bytes.length), piece.bytes);
    return true;
  }
  const end = stream.send?.takeEnd();
  if (end !== undefined) {
    connection.write(encodeEof(stream.id, 0, end));
  }
  return false;
};
