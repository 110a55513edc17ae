import {
  type Channel,
  dataOffsetBytes,
  FrameType,
  headerBytes,
  maxDataBytes,
  maxOpenBytes,
  maxPayloadBytes,
  writeUint64,
} from './frame.ts';

const header = (bytes: Buffer, payloadBytes: number, type: number, channel: Channel, streamId: number): void => {
  bytes.writeUInt32LE(payloadBytes, 0);
  bytes[4] = type;
  bytes[5] = channel;
  bytes[6] = 0;
  bytes[7] = 0;
  writeUint64(bytes, streamId, 8);
};

/** A frame with a payload of opaque bytes. @throws RangeError above 131,072 bytes. */
export const encodeFrame = (type: FrameType, streamId: number, payload?: Uint8Array): Buffer => {
  const payloadBytes = payload?.length ?? 0;
  if (payloadBytes > maxPayloadBytes) {
    throw new RangeError(`payload of ${payloadBytes} bytes`);
  }
  const frame = Buffer.allocUnsafe(headerBytes + payloadBytes);
  header(frame, payloadBytes, type, 0, streamId);
  if (payload !== undefined) {
    frame.set(payload, headerBytes);
  }
  return frame;
};

/** The frames of an `Open`: one, or PARTs and the OPEN for one that is longer than a frame. @throws RangeError above 17 MiB. */
export const encodeOpenFrames = (streamId: number, payload: Uint8Array): Buffer[] => {
  if (payload.length > maxOpenBytes) {
    throw new RangeError(`Open of ${payload.length} bytes`);
  }
  const frames: Buffer[] = [];
  let start = 0;
  for (; payload.length - start > maxPayloadBytes; start += maxPayloadBytes) {
    frames.push(encodeFrame(FrameType.part, streamId, payload.subarray(start, start + maxPayloadBytes)));
  }
  frames.push(encodeFrame(FrameType.open, streamId, payload.subarray(start)));
  return frames;
};

/** What precedes the bytes of a DATA frame; send the bytes right after it (one writev, no copy). */
export const encodeDataHeader = (streamId: number, channel: Channel, offset: number, dataBytes: number): Buffer => {
  if (dataBytes < 1 || dataBytes > maxDataBytes) {
    throw new RangeError(`data of ${dataBytes} bytes`);
  }
  const frame = Buffer.allocUnsafe(headerBytes + dataOffsetBytes);
  header(frame, dataOffsetBytes + dataBytes, FrameType.data, channel, streamId);
  writeUint64(frame, offset, headerBytes);
  return frame;
};

/** CREDIT: everything below `received` may be forgotten, everything below `limit` may be sent. */
export const encodeCredit = (streamId: number, channel: Channel, received: number, limit: number): Buffer => {
  const frame = Buffer.allocUnsafe(headerBytes + 16);
  header(frame, 16, FrameType.credit, channel, streamId);
  writeUint64(frame, received, headerBytes);
  writeUint64(frame, limit, headerBytes + 8);
  return frame;
};

/** EOF: the channel ends at this absolute offset. */
export const encodeEof = (streamId: number, channel: Channel, finalOffset: number): Buffer => {
  const frame = Buffer.allocUnsafe(headerBytes + 8);
  header(frame, 8, FrameType.eof, channel, streamId);
  writeUint64(frame, finalOffset, headerBytes);
  return frame;
};
