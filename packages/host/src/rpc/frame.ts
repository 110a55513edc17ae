/**
 * Frames of the host socket. Header, little-endian: u32 payload length, u8 type, u32 call id; then the payload.
 *
 * | type   | from   | payload                                                        |
 * | ------ | ------ | -------------------------------------------------------------- |
 * | hello  | both   | JSON {protocol}; first frame of either side                    |
 * | call   | client | u32 length of JSON, JSON [method, …arguments], raw bytes       |
 * | result | server | JSON, or empty for undefined; ends the call                    |
 * | failure| server | JSON {code, message, retryable}; ends the call                 |
 * | head   | server | JSON that precedes the bytes or items of a streaming call      |
 * | item   | server | one item, whole, within the client's credit                    |
 * | data   | both   | raw bytes, within the receiver's credit; borders mean nothing  |
 * | end    | both   | empty: no more data from this side                             |
 * | credit | both   | u32 bytes more that the other side may send                    |
 * | cancel | client | empty: the client is no longer interested; the call is over    |
 */
export const FrameType = {
  hello: 0,
  call: 1,
  result: 2,
  failure: 3,
  head: 4,
  item: 5,
  data: 6,
  end: 7,
  credit: 8,
  cancel: 9,
} as const;

export type FrameType = (typeof FrameType)[keyof typeof FrameType];

export const PROTOCOL_VERSION = 1;
export const HEADER_BYTES = 9;
/** Largest data frame that this side sends. */
export const DATA_FRAME_BYTES = 256 * 1024;
/** Credit that either side has at the start of a stream, and the most that a receiver holds. */
export const WINDOW_BYTES = 1024 * 1024;

const EMPTY = Buffer.alloc(0);

/** One frame; `payload` wins over `text` when both are given. */
export function encodeFrame(type: FrameType, callId: number, text = '', payload?: Uint8Array): Buffer {
  const bodyBytes = payload ? payload.byteLength : Buffer.byteLength(text);
  const frame = Buffer.allocUnsafe(HEADER_BYTES + bodyBytes);
  writeHeader(frame, type, callId, bodyBytes);
  if (payload) {
    frame.set(payload, HEADER_BYTES);
  } else if (bodyBytes > 0) {
    frame.write(text, HEADER_BYTES);
  }
  return frame;
}

/** Only the header, for payloads that are written after it without a copy. */
export function encodeHeader(type: FrameType, callId: number, bodyBytes: number): Buffer {
  const header = Buffer.allocUnsafe(HEADER_BYTES);
  writeHeader(header, type, callId, bodyBytes);
  return header;
}

function writeHeader(target: Buffer, type: FrameType, callId: number, bodyBytes: number): void {
  target.writeUInt32LE(bodyBytes, 0);
  target.writeUInt8(type, 4);
  target.writeUInt32LE(callId, 5);
}

/**
 * Cuts a byte stream into frames, whose payloads are views of what is pushed or held: valid during the call only. Data frames are handed on in the pieces in which they come, without a copy; of the others at most one unfinished
 * one of `maxPayloadBytes` is held.
 */
export class FrameReader {
  readonly #maxPayloadBytes: number;
  readonly #onFrame: (type: number, callId: number, payload: Buffer) => void;
  #held: Buffer[] = [];
  #heldBytes = 0;
  #neededBytes = HEADER_BYTES;
  /** Bytes of a data frame that are still to come. */
  #dataLeftBytes = 0;
  #dataCallId = 0;

  constructor(maxPayloadBytes: number, onFrame: (type: number, callId: number, payload: Buffer) => void) {
    this.#maxPayloadBytes = maxPayloadBytes;
    this.#onFrame = onFrame;
  }

  /** @throws RangeError when a frame is longer than allowed; the stream is useless from then on. */
  push(chunk: Buffer): void {
    let bytes = this.#takeData(chunk);
    if (this.#heldBytes + bytes.length < this.#neededBytes) {
      this.#hold(bytes);
      return;
    }
    if (this.#heldBytes > 0) {
      this.#held.push(bytes);
      bytes = Buffer.concat(this.#held);
      this.#held = [];
      this.#heldBytes = 0;
    }
    this.#neededBytes = HEADER_BYTES;
    let at = 0;
    while (bytes.length - at >= HEADER_BYTES) {
      const bodyBytes = bytes.readUInt32LE(at);
      const type = bytes.readUInt8(at + 4);
      const callId = bytes.readUInt32LE(at + 5);
      if (bodyBytes > this.#maxPayloadBytes) {
        throw new RangeError(`frame of ${bodyBytes} bytes, ${this.#maxPayloadBytes} are allowed`);
      }
      const end = at + HEADER_BYTES + bodyBytes;
      if (end > bytes.length && type === FrameType.data) {
        this.#dataLeftBytes = bodyBytes;
        this.#dataCallId = callId;
        this.#takeData(bytes.subarray(at + HEADER_BYTES));
        return;
      }
      if (end > bytes.length) {
        this.#neededBytes = end - at;
        break;
      }
      this.#onFrame(type, callId, bodyBytes === 0 ? EMPTY : bytes.subarray(at + HEADER_BYTES, end));
      at = end;
    }
    if (at < bytes.length) {
      this.#hold(bytes.subarray(at));
    }
  }

  /** Hands on what belongs to an unfinished data frame. @returns the rest */
  #takeData(bytes: Buffer): Buffer {
    const size = Math.min(this.#dataLeftBytes, bytes.length);
    if (size > 0) {
      this.#dataLeftBytes -= size;
      this.#onFrame(FrameType.data, this.#dataCallId, bytes.subarray(0, size));
    }
    return bytes.subarray(size);
  }

  #hold(bytes: Buffer): void {
    if (bytes.length > 0) {
      this.#held.push(Buffer.from(bytes));
      this.#heldBytes += bytes.length;
    }
  }
}
