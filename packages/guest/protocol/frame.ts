/** Frame layout of the guest link; PROTOCOL.md is the reference. */

/** Frame types by number. Types from {@link firstSkippableType} on are skipped by a receiver that does not know them. */
export const FrameType = {
  hello: 1,
  ready: 2,
  open: 3,
  status: 4,
  data: 5,
  credit: 6,
  eof: 7,
  close: 8,
  ping: 9,
  pong: 10,
  part: 11,
} as const;

export type FrameType = (typeof FrameType)[keyof typeof FrameType];

export const firstSkippableType = 64;

/** Bytes before each payload. */
export const headerBytes = 16;

/** Longest payload either side may send. */
export const maxPayloadBytes = 131_072;

/** Bytes of a DATA payload before the data itself: the absolute offset. */
export const dataOffsetBytes = 8;

/** Most data bytes that fit into one DATA frame. */
export const maxDataBytes = maxPayloadBytes - dataOffsetBytes;

/** Longest `Open`, in as many PART frames as it takes. */
export const maxOpenBytes = 17 * 1024 * 1024;

/** Channel of a stream: 0 host → guest, 1 and 2 guest → host. */
export type Channel = 0 | 1 | 2;

/** The other side broke a rule of the protocol: the connection is to be ended. */
export class ProtocolBreach extends Error {
  override readonly name = 'ProtocolBreach';
}

/** Reads an unsigned 64-bit little-endian number. @throws ProtocolBreach above 2^53 - 1, which no honest offset or id reaches. */
export const readUint64 = (bytes: Buffer, position: number): number => {
  const high = bytes.readUInt32LE(position + 4);
  if (high > 0x1f_ffff) {
    throw new ProtocolBreach('number out of range');
  }
  return high * 0x1_0000_0000 + bytes.readUInt32LE(position);
};

/** Writes a non-negative safe integer as unsigned 64-bit little-endian. */
export const writeUint64 = (bytes: Buffer, value: number, position: number): void => {
  bytes.writeUInt32LE(value % 0x1_0000_0000, position);
  bytes.writeUInt32LE(Math.floor(value / 0x1_0000_0000), position + 4);
};
