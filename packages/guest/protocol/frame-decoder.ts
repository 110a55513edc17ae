import { type Channel, dataOffsetBytes, FrameType, headerBytes, readUint64 } from './frame.ts';
import { checkHeader } from './frame-rules.ts';

/** Receives what a {@link FrameDecoder} finds. Byte arrays are views of the input: copy what is to be changed. */
export interface FrameSink {
  /** A whole frame of any type but DATA. */
  frame(type: number, channel: Channel, streamId: number, payload: Buffer): void;
  /** Bytes of a DATA frame, as they arrive: one frame may come in several pieces, each with its own absolute offset. */
  data(streamId: number, channel: Channel, offset: number, bytes: Buffer): void;
}

const empty = Buffer.alloc(0);

/**
 * Takes a byte stream apart into frames. Holds at most one payload (131,072 bytes), copies a byte at most once, and passes data on without
 * waiting for the end of its frame, since offsets are absolute.
 */
export class FrameDecoder {
  readonly #sink: FrameSink;
  readonly #head = Buffer.alloc(headerBytes + dataOffsetBytes);
  #headFill = 0;
  #type = 0;
  #channel: Channel = 0;
  #streamId = 0;
  #offset = 0;
  /** Bytes of the present payload still to come; -1 while the header is incomplete. */
  #remaining = -1;
  #skip = false;
  #body: Buffer | undefined;
  #bodyFill = 0;

  constructor(sink: FrameSink) {
    this.#sink = sink;
  }

  /** Bytes held back for an incomplete frame. */
  get heldBytes(): number {
    return this.#headFill + (this.#body?.length ?? 0);
  }

  /** Takes the next bytes of the stream. @throws ProtocolBreach; the decoder is of no use afterwards. */
  push(chunk: Buffer): void {
    let position = 0;
    while (position < chunk.length) {
      position = this.#remaining < 0 ? this.#takeHeader(chunk, position) : this.#takePayload(chunk, position);
    }
  }

  #takeHeader(chunk: Buffer, start: number): number {
    const needed = this.#headFill >= headerBytes || this.#isData() ? headerBytes + dataOffsetBytes : headerBytes;
    const available = chunk.length - start;
    if (this.#headFill === 0 && available >= headerBytes + dataOffsetBytes) {
      return this.#readHeader(chunk, start);
    }
    const taken = Math.min(needed - this.#headFill, available);
    chunk.copy(this.#head, this.#headFill, start, start + taken);
    this.#headFill += taken;
    const complete = this.#headFill === (this.#isData() ? headerBytes + dataOffsetBytes : headerBytes);
    if (complete) {
      this.#readHeader(this.#head, 0);
      this.#headFill = 0;
    }
    return start + taken;
  }

  #isData(): boolean {
    return this.#headFill >= 5 && this.#head[4] === FrameType.data;
  }

  #readHeader(bytes: Buffer, start: number): number {
    const payloadBytes = bytes.readUInt32LE(start);
    this.#type = bytes.readUInt8(start + 4);
    const channel: number = bytes.readUInt8(start + 5);
    this.#streamId = readUint64(bytes, start + 8);
    this.#skip = !checkHeader(this.#type, channel, bytes.readUInt16LE(start + 6), this.#streamId, payloadBytes);
    this.#channel = channel as Channel;
    if (this.#type === FrameType.data) {
      this.#offset = readUint64(bytes, start + headerBytes);
      this.#remaining = payloadBytes - dataOffsetBytes;
      return start + headerBytes + dataOffsetBytes;
    }
    this.#remaining = payloadBytes;
    if (payloadBytes === 0) {
      this.#finish(empty);
    }
    return start + headerBytes;
  }

  #takePayload(chunk: Buffer, start: number): number {
    const taken = Math.min(this.#remaining, chunk.length - start);
    const end = start + taken;
    if (this.#type === FrameType.data) {
      const offset = this.#offset;
      this.#offset += taken;
      this.#remaining -= taken;
      if (this.#remaining === 0) {
        this.#remaining = -1;
      }
      this.#sink.data(this.#streamId, this.#channel, offset, chunk.subarray(start, end));
      return end;
    }
    if (this.#skip) {
      this.#remaining -= taken;
      if (this.#remaining === 0) {
        this.#remaining = -1;
      }
      return end;
    }
    if (this.#body === undefined && taken === this.#remaining) {
      this.#finish(chunk.subarray(start, end));
      return end;
    }
    this.#body ??= Buffer.allocUnsafe(this.#remaining);
    chunk.copy(this.#body, this.#bodyFill, start, end);
    this.#bodyFill += taken;
    this.#remaining -= taken;
    if (this.#remaining === 0) {
      this.#finish(this.#body);
    }
    return end;
  }

  #finish(payload: Buffer): void {
    this.#remaining = -1;
    this.#body = undefined;
    this.#bodyFill = 0;
    if (!this.#skip) {
      this.#sink.frame(this.#type, this.#channel, this.#streamId, payload);
    }
  }
}
