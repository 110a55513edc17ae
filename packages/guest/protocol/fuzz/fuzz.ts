/**
 * Fuzzes the frame decoder and the message decoders: node fuzz.ts --seconds 30 --seed 1
 *
 * Inputs are valid streams with random mutations. Any input may end in a ProtocolBreach, nothing else may be thrown, no more than one payload
 * may be held, and the outcome must not depend on how the bytes were split.
 */
import { parseArgs } from 'node:util';
import {
  decodeHello,
  decodeOpen,
  decodeStatus,
  encodeCredit,
  encodeDataHeader,
  encodeEof,
  encodeFrame,
  encodeHello,
  encodeOpen,
  encodeStatus,
  FrameDecoder,
  FrameType,
  headerBytes,
  maxPayloadBytes,
  ProtocolBreach,
} from '../index.ts';

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '10' }, seed: { type: 'string', default: '1' } },
});

/** Small, repeatable generator (mulberry32): numbers below `bound`. */
let state = Number(values.seed) >>> 0;
const random = (bound: number): number => {
  state = (state + 0x6d2b79f5) >>> 0;
  let mixed = Math.imul(state ^ (state >>> 15), state | 1);
  mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
  return ((mixed ^ (mixed >>> 14)) >>> 0) % bound;
};
const noise = (length: number): Buffer => Buffer.from(Array.from({ length }, () => random(256)));

const makers: Array<() => Buffer> = [
  () => encodeFrame(FrameType.hello, 0, encodeHello({ protocolMin: 1, protocolMax: random(9), bootId: noise(16) })),
  () => encodeFrame(FrameType.ready, 0),
  () =>
    encodeFrame(
      FrameType.open,
      1 + random(9),
      encodeOpen({ request: { case: 'exec', value: { executionId: 'e', command: 'x'.repeat(random(200)) } } }),
    ),
  () =>
    encodeFrame(
      FrameType.status,
      1 + random(9),
      encodeStatus({
        phase: 3,
        exit: { how: { case: 'code', value: random(256) } },
        error: { message: 'é'.repeat(random(99)) },
      }),
    ),
  () => {
    const bytes = noise(1 + random(300));
    return Buffer.concat([
      encodeDataHeader(1 + random(9), random(3) as 0 | 1 | 2, random(2 ** 31), bytes.length),
      bytes,
    ]);
  },
  () => encodeCredit(1 + random(9), random(3) as 0 | 1 | 2, random(2 ** 31), random(2 ** 31)),
  () => encodeEof(1 + random(9), 1, random(2 ** 31)),
  () => encodeFrame(FrameType.ping, 0, noise(8)),
];

const mutate = (bytes: Buffer): Buffer => {
  const mutations = random(4);
  let result = Buffer.from(bytes);
  for (let count = 0; count < mutations && result.length > 0; count += 1) {
    const position = random(result.length);
    switch (random(4)) {
      case 0:
        result[position] = random(256);
        break;
      case 1:
        result[position] = (result[position] ?? 0) ^ (1 << random(8));
        break;
      case 2:
        result = Buffer.concat([result.subarray(0, position), noise(random(20)), result.subarray(position)]);
        break;
      default:
        result = Buffer.concat([result.subarray(0, position), result.subarray(position + random(20))]);
    }
  }
  return result;
};

const decoders = new Map<number, (payload: Uint8Array) => unknown>([
  [FrameType.hello, decodeHello],
  [FrameType.open, decodeOpen],
  [FrameType.status, decodeStatus],
]);

/** What a receiver would see, as text; `breach` at the end when the stream is refused. */
const outcome = (pieces: Buffer[]): string => {
  const seen: string[] = [];
  let dataEnd = '';
  const decoder = new FrameDecoder({
    frame: (type, channel, streamId, payload) => {
      dataEnd = '';
      decoders.get(type)?.(payload);
      seen.push(`${type}/${channel}/${streamId}/${payload.toString('base64')}\n`);
    },
    data: (streamId, channel, offset, bytes) => {
      const start = `${streamId}/${channel}/${offset}`;
      seen.push(start === dataEnd ? bytes.toString('hex') : `\ndata ${start} ${bytes.toString('hex')}`);
      dataEnd = `${streamId}/${channel}/${offset + bytes.length}`;
    },
  });
  try {
    for (const piece of pieces) {
      decoder.push(piece);
      if (decoder.heldBytes > maxPayloadBytes + headerBytes) {
        throw new Error(`holds ${decoder.heldBytes} bytes`);
      }
    }
  } catch (error) {
    if (!(error instanceof ProtocolBreach)) {
      throw error;
    }
    seen.push('breach');
  }
  return seen.join('');
};

const split = (bytes: Buffer): Buffer[] => {
  const pieces: Buffer[] = [];
  for (let start = 0; start < bytes.length; ) {
    const end = Math.min(bytes.length, start + 1 + random(random(2) === 0 ? 4 : 200));
    pieces.push(bytes.subarray(start, end));
    start = end;
  }
  return pieces;
};

const end = performance.now() + Number(values.seconds) * 1000;
let runs = 0;
let breaches = 0;
while (performance.now() < end) {
  const frames = Array.from({ length: 1 + random(6) }, () => makers[random(makers.length)]?.() ?? Buffer.alloc(0));
  const input = random(20) === 0 ? noise(random(400)) : mutate(Buffer.concat(frames));
  const whole = outcome([input]);
  if (whole !== outcome(split(input))) {
    console.error(`the outcome depends on the split; seed ${values.seed}, run ${runs}, input ${input.toString('hex')}`);
    process.exit(1);
  }
  runs += 1;
  breaches += whole.endsWith('breach') ? 1 : 0;
}
console.log(JSON.stringify({ seed: Number(values.seed), runs, breaches }));
