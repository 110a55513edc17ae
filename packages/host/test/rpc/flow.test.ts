import { connect } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { encodeFrame, FrameType, WINDOW_BYTES } from '../../src/rpc/frame.ts';
import { gatherBytes } from '../../src/rpc/gathered-writes.ts';
import { rpcBench, spec } from './rpc-bench.ts';

const info = { path: '/x', kind: 'file', sizeBytes: 0, mode: 0, uid: 0, gid: 0, modifiedMs: 0 } as const;
const block = Buffer.alloc(64 * 1024, 'b');

describe('flow control', () => {
  it('stops the host when the client does not read', async () => {
    const { client, fake } = await rpcBench();
    let sent = 0;
    fake.readFile = async () => ({
      info,
      body: (async function* () {
        while (true) {
          sent += block.length;
          yield block;
        }
      })(),
    });
    const { body } = await client.readFile(spec.id, '/x');
    for (let round = 0; round < 20; round++) {
      await client.list();
    }
    expect(sent).toBeLessThanOrEqual(WINDOW_BYTES + 2 * block.length);
    let read = 0;
    for await (const bytes of body) {
      read += bytes.byteLength;
      if (read > 4 * WINDOW_BYTES) {
        break;
      }
    }
    expect(sent).toBeLessThanOrEqual(read + WINDOW_BYTES + 2 * block.length);
  });

  it('stops the client when the host does not read', async () => {
    const { client, fake } = await rpcBench();
    fake.writeFile = () => new Promise(() => undefined);
    const abort = new AbortController();
    let sent = 0;
    const body = (async function* () {
      while (true) {
        sent += block.length;
        yield block;
      }
    })();
    const upload = client.writeFile(spec.id, '/x', body, {}, abort.signal);
    upload.catch(() => undefined);
    for (let round = 0; round < 20; round++) {
      await client.list();
    }
    expect(sent).toBeLessThanOrEqual(WINDOW_BYTES + 2 * gatherBytes + 2 * block.length);
    abort.abort();
    await expect(upload).rejects.toMatchObject({ code: 'cancelled' });
  });

  it('carries bodies whose pieces are lent: overwritten as soon as the next one is asked for', async () => {
    const { client, fake } = await rpcBench();
    const sizes = [1, 70_000, 200_000, 300_000, 9, 262_144, 1_000_000, 65_536, 524_288, 3];
    const content = Buffer.concat(sizes.map((size, index) => Buffer.alloc(size, index + 1)));
    const lent = async function* (): AsyncGenerator<Uint8Array> {
      const piece = Buffer.alloc(1_000_000);
      for (const [index, size] of sizes.entries()) {
        yield piece.fill(index + 1, 0, size).subarray(0, size);
        piece.fill(0);
      }
    };
    await client.writeFile(spec.id, '/tmp/lent', lent());
    const written: Uint8Array[] = [];
    for await (const bytes of (await fake.readFile(spec.id, '/tmp/lent')).body) {
      written.push(Uint8Array.from(bytes));
    }
    expect(Buffer.concat(written).equals(content)).toBe(true);
    fake.readFile = async () => ({ info, body: lent() });
    const pieces: Uint8Array[] = [];
    for await (const bytes of (await client.readFile(spec.id, '/tmp/lent')).body) {
      pieces.push(Uint8Array.from(bytes));
    }
    expect(Buffer.concat(pieces).equals(content)).toBe(true);
  });

  it('does not let one slow stream hold up other calls', async () => {
    const { client, fake } = await rpcBench();
    fake.readFile = async () => ({
      info,
      body: (async function* () {
        while (true) {
          yield block;
        }
      })(),
    });
    const bodies = await Promise.all([1, 2, 3].map(() => client.readFile(spec.id, '/x')));
    expect(await client.list()).toHaveLength(1);
    for (const { body } of bodies) {
      await body[Symbol.asyncIterator]().return?.();
    }
  });

  it('takes no more calls from a client that does not read the answers', async () => {
    const { client, fake, socketPath } = await rpcBench();
    const answer = 'a'.repeat(64 * 1024);
    let calls = 0;
    fake.metrics = async () => {
      calls++;
      return { answer } as never;
    };
    const socket = connect(socketPath);
    onTestFinished(() => void socket.destroy());
    const request = JSON.stringify(['metrics', spec.id]);
    const frames = Array.from({ length: 20_000 }, (_, index) => {
      const payload = Buffer.alloc(4 + request.length);
      payload.writeUInt32LE(request.length);
      payload.write(request, 4);
      return encodeFrame(FrameType.call, index + 1, '', payload);
    });
    socket.write(encodeFrame(FrameType.hello, 0, '{"protocol":1}'));
    socket.pause();
    for (const frame of frames) {
      socket.write(frame);
    }
    await expect.poll(() => calls).toBeGreaterThan(0);
    for (let round = 0; round < 20; round++) {
      await client.list();
    }
    // What came in one read of the socket is answered; the rest stays with the client.
    expect(calls).toBeLessThan(5_000);
  });

  it('answers an upload that the host refuses before it has ended', async () => {
    const { client } = await rpcBench();
    let stopped = false;
    const endless = (async function* () {
      try {
        while (true) {
          yield block;
          await new Promise((resolve) => setImmediate(resolve));
        }
      } finally {
        stopped = true;
      }
    })();
    await expect(client.writeFile('dbx-unknown', '/x', endless)).rejects.toMatchObject({ code: 'boxNotFound' });
    await expect.poll(() => stopped).toBe(true);
  });

  it('keeps the borders and offsets of output chunks', async () => {
    const { client, fake } = await rpcBench();
    const chunks = ['é', 'ab', 'c'.repeat(200_000)].map((text) => Buffer.from(text));
    fake.output = async function* () {
      let offset = 5;
      for (const bytes of chunks) {
        offset += bytes.length;
        yield { bytes, offset };
      }
    };
    const seen = [];
    for await (const chunk of client.output(spec.id, 'e', 'stdout', 5)) {
      seen.push([chunk.bytes.byteLength, chunk.offset]);
    }
    expect(seen).toEqual([
      [2, 7],
      [2, 9],
      [200_000, 200_009],
    ]);
  });
});
