import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeFrame, FrameReader, FrameType } from '../../src/rpc/frame.ts';

describe('frames', () => {
  it('are the same however the stream is cut', () => {
    const frames = fc.array(fc.tuple(fc.constantFrom(...Object.values(FrameType)), fc.nat(), fc.uint8Array()));
    fc.assert(
      fc.property(frames, fc.array(fc.integer({ min: 1, max: 40 })), (sent, cuts) => {
        const stream = Buffer.concat(sent.map(([type, id, payload]) => encodeFrame(type, id, '', payload)));
        const seen: Array<[number, number, number[]]> = [];
        let open = 0;
        const reader = new FrameReader(1024, (type, id, payload) => {
          const last = seen.at(-1);
          if (open > 0 && type === FrameType.data && last) {
            last[2].push(...payload);
          } else {
            seen.push([type, id, [...payload]]);
            open = sent[seen.length - 1]?.[2].length ?? 0;
          }
          open -= payload.length;
        });
        let at = 0;
        for (let turn = 0; at < stream.length; turn++) {
          const size = cuts[turn % Math.max(1, cuts.length)] ?? stream.length;
          reader.push(stream.subarray(at, at + size));
          at += size;
        }
        expect(seen).toEqual(sent.map(([type, id, payload]) => [type, id, [...payload]]));
      }),
    );
  });

  it('of too great a length are refused before they are kept', () => {
    const reader = new FrameReader(10, () => undefined);
    expect(() => reader.push(encodeFrame(FrameType.data, 1, 'x'.repeat(11)))).toThrow(RangeError);
  });
});
