import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  encodeCredit,
  encodeDataHeader,
  encodeEof,
  encodeFrame,
  encodeOpenFrames,
  FrameDecoder,
  FrameType,
  maxDataBytes,
  maxOpenBytes,
  maxPayloadBytes,
  ProtocolBreach,
} from './index.ts';

type Seen = { type: number; channel: number; streamId: number; payload: string; offset?: number };

/** Decodes the pieces and joins data pieces that continue each other, so that splits do not show. */
const decode = (...pieces: Buffer[]): Seen[] => {
  const seen: Seen[] = [];
  const decoder = new FrameDecoder({
    frame: (type, channel, streamId, payload) =>
      seen.push({ type, channel, streamId, payload: payload.toString('hex') }),
    data: (streamId, channel, offset, bytes) => {
      const last = seen.at(-1);
      const hex = bytes.toString('hex');
      if (
        last?.offset !== undefined &&
        last.streamId === streamId &&
        last.offset + last.payload.length / 2 === offset
      ) {
        last.payload += hex;
      } else {
        seen.push({ type: FrameType.data, channel, streamId, payload: hex, offset });
      }
    },
  });
  for (const piece of pieces) {
    decoder.push(piece);
  }
  return seen;
};

const data = (streamId: number, channel: 0 | 1 | 2, offset: number, text: string): Buffer =>
  Buffer.concat([encodeDataHeader(streamId, channel, offset, Buffer.byteLength(text)), Buffer.from(text)]);

describe('frame decoder', () => {
  it('reads every kind of frame that the encoder writes', () => {
    const id = 7 * 2 ** 32 + 3;
    expect(
      decode(
        encodeFrame(FrameType.hello, 0, Buffer.from('hi')),
        data(id, 1, 2 ** 40, 'bytes'),
        encodeCredit(id, 2, 5, 2 ** 50),
        encodeEof(id, 0, 9),
        encodeFrame(FrameType.close, id),
      ),
    ).toEqual([
      { type: FrameType.hello, channel: 0, streamId: 0, payload: '6869' },
      { type: FrameType.data, channel: 1, streamId: id, payload: '6279746573', offset: 2 ** 40 },
      { type: FrameType.credit, channel: 2, streamId: id, payload: '05000000000000000000000000000400' },
      { type: FrameType.eof, channel: 0, streamId: id, payload: '0900000000000000' },
      { type: FrameType.close, channel: 0, streamId: id, payload: '' },
    ]);
  });

  it('sees the same frames however the bytes are split', () => {
    const stream = Buffer.concat([
      encodeFrame(FrameType.status, 1, Buffer.alloc(300, 1)),
      data(1, 1, 0, 'x'.repeat(500)),
      data(2, 2, 10, 'y'),
      encodeFrame(FrameType.ping, 0, Buffer.alloc(8)),
      encodeCredit(1, 0, 1, 2),
    ]);
    const whole = decode(stream);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: stream.length }), { maxLength: 12 }), (cuts) => {
        const ends = [...new Set([...cuts, stream.length])].sort((a, b) => a - b);
        let start = 0;
        const pieces = ends.map((end) => {
          const piece = stream.subarray(start, end);
          start = end;
          return piece;
        });
        expect(decode(...pieces)).toEqual(whole);
      }),
    );
    expect(decode(...Array.from(stream, (byte) => Buffer.of(byte)))).toEqual(whole);
  });

  it('passes data on before its frame is complete, without copying it', () => {
    const frame = data(5, 1, 100, 'abcdef');
    const pieces: Array<[number, string]> = [];
    const decoder = new FrameDecoder({
      frame: () => undefined,
      data: (_id, _channel, offset, bytes) => {
        expect(bytes.buffer).toBe(frame.buffer);
        pieces.push([offset, bytes.toString()]);
      },
    });
    decoder.push(frame.subarray(0, 27));
    expect(pieces).toEqual([[100, 'abc']]);
    expect(decoder.heldBytes).toBe(0);
    decoder.push(frame.subarray(27));
    expect(pieces).toEqual([
      [100, 'abc'],
      [103, 'def'],
    ]);
  });

  it('skips types of a later version and goes on', () => {
    const later = encodeFrame(FrameType.hello, 0, Buffer.from('future'));
    later[4] = 200;
    const empty = encodeFrame(FrameType.ready, 0);
    empty[4] = 64;
    expect(decode(later, empty, encodeFrame(FrameType.ready, 0))).toHaveLength(1);
    expect(decode(...Array.from(later, (byte) => Buffer.of(byte)), encodeFrame(FrameType.ready, 0))).toHaveLength(1);
  });

  it.each([
    ['a payload over the limit', (frame: Buffer) => frame.writeUInt32LE(maxPayloadBytes + 1, 0)],
    ['an unknown type', (frame: Buffer) => frame.writeUInt8(12, 4)],
    ['type 0', (frame: Buffer) => frame.writeUInt8(0, 4)],
    ['a third channel', (frame: Buffer) => frame.writeUInt8(3, 5)],
    ['reserved bytes', (frame: Buffer) => frame.writeUInt16LE(1, 6)],
    ['no stream', (frame: Buffer) => frame.fill(0, 8, 16)],
    ['a stream id beyond 2^53', (frame: Buffer) => frame.writeUInt32LE(0x20_0000, 12)],
    ['an offset beyond 2^53', (frame: Buffer) => frame.writeUInt32LE(0xffff_ffff, 20)],
    ['no bytes after the offset', (frame: Buffer) => frame.writeUInt32LE(8, 0)],
  ])('refuses %s', (_name, spoil) => {
    const frame = data(1, 1, 0, 'abc');
    spoil(frame);
    expect(() => decode(frame)).toThrow(ProtocolBreach);
    expect(() => decode(...Array.from(frame, (byte) => Buffer.of(byte)))).toThrow(ProtocolBreach);
  });

  it.each([
    ['READY with a payload', Buffer.concat([encodeFrame(FrameType.ready, 0), Buffer.alloc(1)]), 1],
    ['PING of 9 bytes', encodeFrame(FrameType.ping, 0, Buffer.alloc(9)), 9],
    ['HELLO of a stream', encodeFrame(FrameType.hello, 4), 0],
    ['CLOSE without a stream', encodeFrame(FrameType.close, 0), 0],
  ])('refuses %s', (_name, frame, payloadBytes) => {
    frame.writeUInt32LE(payloadBytes, 0);
    expect(() => decode(frame)).toThrow(ProtocolBreach);
  });

  it('holds no more than one payload', () => {
    const decoder = new FrameDecoder({ frame: () => undefined, data: () => undefined });
    const frame = encodeFrame(FrameType.status, 1, Buffer.alloc(maxPayloadBytes));
    decoder.push(frame.subarray(0, 20));
    for (let position = 20; position < frame.length - 1; position += 1000) {
      decoder.push(frame.subarray(position, Math.min(position + 1000, frame.length - 1)));
      expect(decoder.heldBytes).toBeLessThanOrEqual(maxPayloadBytes);
    }
    decoder.push(frame.subarray(frame.length - 1));
    expect(decoder.heldBytes).toBe(0);
  });
});

describe('frame encoder', () => {
  it('sends a long Open in parts, the OPEN last', () => {
    const payload = Buffer.alloc(maxPayloadBytes * 2 + 5, 'x');
    const frames = encodeOpenFrames(9, payload);
    expect(frames.map((frame) => frame[4])).toEqual([FrameType.part, FrameType.part, FrameType.open]);
    expect(Buffer.concat(frames.map((frame) => frame.subarray(16))).equals(payload)).toBe(true);
    expect(encodeOpenFrames(9, Buffer.alloc(0))).toHaveLength(1);
    expect(encodeOpenFrames(9, Buffer.alloc(maxPayloadBytes))).toHaveLength(1);
    expect(() => encodeOpenFrames(9, Buffer.alloc(maxOpenBytes + 1))).toThrow(RangeError);
  });

  it('refuses what the other side would refuse', () => {
    expect(() => encodeFrame(FrameType.open, 1, Buffer.alloc(maxPayloadBytes + 1))).toThrow(RangeError);
    expect(() => encodeDataHeader(1, 0, 0, 0)).toThrow(RangeError);
    expect(() => encodeDataHeader(1, 0, 0, maxDataBytes + 1)).toThrow(RangeError);
    expect(encodeDataHeader(1, 0, 0, maxDataBytes).readUInt32LE(0)).toBe(maxPayloadBytes);
  });
});
