import { once } from 'node:events';
import http2 from 'node:http2';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { apiError } from '../../src/errors/api-error.ts';
import { startTestServer, type TestCaller, type TestServer } from '../harness.ts';
import { bytesRoute, echoRoute, eventRoute } from '../probe-routes.ts';

let server: TestServer;
let caller: TestCaller;
let session: http2.ClientHttp2Session;
let produced = 0;
let ended = 0;

const chunk = Buffer.alloc(256 * 1024, 'x');

beforeAll(async () => {
  server = await startTestServer({
    extraRoutes: [
      echoRoute(),
      eventRoute('/probe/two', async function* () {
        yield { n: 1 };
        yield { n: 2 };
      }),
      eventRoute('/probe/failing', async function* () {
        yield 1;
        throw apiError('hostUnavailable');
      }),
      eventRoute('/probe/endless', async function* (signal) {
        try {
          yield 1;
          await once(signal, 'abort');
        } finally {
          ended += 1;
        }
      }),
      bytesRoute('/probe/bytes', async function* () {
        try {
          for (let index = 0; index < 400; index += 1) {
            produced += chunk.length;
            yield chunk;
          }
        } finally {
          ended += 1;
        }
      }),
      bytesRoute('/probe/broken', async function* () {
        yield chunk;
        throw new Error('disk');
      }),
    ],
  });
  caller = await server.newCaller();
  session = http2.connect(server.baseUrl);
});
afterAll(async () => {
  session.destroy();
  await server.close();
});
beforeEach(() => {
  produced = 0;
  ended = 0;
});

const open = (path: string, headers: http2.OutgoingHttpHeaders = {}): http2.ClientHttp2Stream =>
  session.request({ ':path': path, authorization: `Bearer ${caller.key}`, ...headers });

const read = async (stream: http2.ClientHttp2Stream): Promise<Buffer> => {
  const chunks: Buffer[] = [];
  for await (const part of stream as AsyncIterable<Buffer>) {
    chunks.push(part);
  }
  return Buffer.concat(chunks);
};

describe('streams over HTTP/2', () => {
  it('sends events and ends cleanly', async () => {
    expect(String(await read(open('/probe/two')))).toBe('data: {"n":1}\n\ndata: {"n":2}\n\n');
  });

  it('reports a failure as an error event', async () => {
    expect(String(await read(open('/probe/failing')))).toMatch(/^data: 1\n\nevent: error\ndata: \{"code":503,/);
  });

  it('ends the source when the client cancels, and keeps the connection', async () => {
    const stream = open('/probe/endless');
    await once(stream, 'data');
    stream.close(http2.constants.NGHTTP2_CANCEL);
    await expect.poll(() => ended).toBe(1);
    expect(String(await read(open('/probe/two')))).toContain('"n":2');
  });

  it('sends 100 MiB whole, with bounded read-ahead', async () => {
    const stream = open('/probe/bytes');
    stream.pause();
    await once(stream, 'response');
    let last = -1;
    await expect
      .poll(
        () => {
          const still = last === produced;
          last = produced;
          return still;
        },
        { interval: 100 },
      )
      .toBe(true);
    // At most the client's window and what the two sides buffer.
    expect(produced).toBeLessThan(40 * chunk.length);
    expect((await read(stream)).length).toBe(400 * chunk.length);
    expect(ended).toBe(1);
  });

  it('resets the stream when the source fails, so that half never looks whole', async () => {
    const stream = open('/probe/broken');
    let closed: number | undefined;
    stream.on('close', () => {
      closed = stream.rstCode;
    });
    await read(stream).catch(() => undefined);
    await expect.poll(() => closed).not.toBe(undefined);
    expect(closed).not.toBe(http2.constants.NGHTTP2_NO_ERROR);
  });

  it('refuses a body over the limit and answers the next request on the same connection', async () => {
    const stream = session.request({
      ':path': '/probe/echo/a',
      ':method': 'POST',
      authorization: `Bearer ${caller.key}`,
    });
    stream.on('error', () => undefined);
    const status = once(stream, 'response').then(([head]) => (head as http2.IncomingHttpHeaders)[':status']);
    stream.end(Buffer.alloc(2_000_000, '1'));
    stream.resume();
    expect(await status).toBe(413);
    expect(String(await read(open('/probe/two')))).toContain('"n":2');
  });

  it('does not wait for the rest of a refused body, and keeps the connection', async () => {
    const stream = session.request({ ':path': '/probe/echo/a', ':method': 'POST', authorization: 'Bearer ak_wrong' });
    stream.on('error', () => undefined);
    const closed = once(stream, 'close');
    stream.write(Buffer.alloc(1024 * 1024));
    const [head] = (await once(stream, 'response')) as [http2.IncomingHttpHeaders];
    expect(head[':status']).toBe(401);
    stream.resume();
    // The body was never ended: it is the server that closes the stream.
    await closed;
    expect(String(await read(open('/probe/two')))).toContain('"n":2');
  });
});
