import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { apiError } from '../../src/errors/api-error.ts';
import { startTestServer, type TestCaller, type TestServer } from '../harness.ts';
import { bytesRoute, eventRoute } from '../probe-routes.ts';
import { connect } from './socket.ts';

let server: TestServer;
let caller: TestCaller;
/** What the endless generators have seen of their end. */
const ended = { events: 0, bytes: 0 };
let produced = 0;

const megabyte = new Uint8Array(1024 * 1024);

const endless = async function* (signal: AbortSignal): AsyncIterable<unknown> {
  try {
    yield { first: true };
    await once(signal, 'abort');
  } finally {
    ended.events += 1;
  }
};

const endlessBytes = async function* (): AsyncIterable<Uint8Array> {
  try {
    for (;;) {
      produced += megabyte.length;
      yield megabyte;
    }
  } finally {
    ended.bytes += 1;
  }
};

beforeAll(async () => {
  server = await startTestServer({
    extraRoutes: [
      eventRoute('/probe/three', async function* () {
        yield { output: 'a\nb', offset: 3 };
        yield { output: 'ü\u2028', offset: 8 };
        yield 'text';
      }),
      eventRoute('/probe/failing', async function* () {
        yield 1;
        throw apiError('notFound', { resource: 'devbox', id: 'x' });
      }),
      eventRoute('/probe/breaking', async function* () {
        yield 1;
        throw new Error('inside');
      }),
      eventRoute('/probe/early', () => {
        throw apiError('notFound', { resource: 'devbox', id: 'x' });
      }),
      eventRoute('/probe/endless', endless),
      bytesRoute(
        '/probe/bytes',
        async function* () {
          yield new Uint8Array([1, 2]);
          yield new Uint8Array([3]);
        },
        3,
      ),
      bytesRoute('/probe/bytes-broken', async function* () {
        yield new Uint8Array([1, 2]);
        throw new Error('disk');
      }),
      bytesRoute('/probe/bytes-endless', endlessBytes),
    ],
  });
  caller = await server.newCaller();
});
afterAll(() => server.close());

const read = async (path: string): Promise<{ status: number; type: string | null; text: string }> => {
  const answer = await caller.fetch(path);
  return { status: answer.status, type: answer.headers.get('content-type'), text: await answer.text() };
};

describe('server-sent events', () => {
  it('frames each value as one data line and ends cleanly', async () => {
    expect(await read('/probe/three')).toEqual({
      status: 200,
      type: 'text/event-stream; charset=utf-8',
      text: 'data: {"output":"a\\nb","offset":3}\n\ndata: {"output":"ü\u2028","offset":8}\n\ndata: "text"\n\n',
    });
  });

  it('reports a failure within the stream as an error event with its status', async () => {
    const { text } = await read('/probe/failing');
    expect(text).toBe('data: 1\n\nevent: error\ndata: {"code":404,"message":"devbox x was not found"}\n\n');
  });

  it('hides what was not foreseen', async () => {
    const { text } = await read('/probe/breaking');
    expect(text).toContain('"code":500');
    expect(text).not.toContain('inside');
  });

  it('answers a failure before the stream with its status', async () => {
    const answer = await read('/probe/early');
    expect(answer.status).toBe(404);
    expect(answer.type).toContain('application/json');
  });

  it('sends the head before the first event, and ends the source when the client goes', async () => {
    const controller = new AbortController();
    const before = ended.events;
    const answer = await caller.fetch('/probe/endless', { signal: controller.signal });
    expect(answer.status).toBe(200);
    controller.abort();
    await expect.poll(() => ended.events).toBe(before + 1);
  });
});

describe('bytes', () => {
  it('sends them whole with their size', async () => {
    const answer = await caller.fetch('/probe/bytes');
    expect(answer.headers.get('content-type')).toBe('application/octet-stream');
    expect(answer.headers.get('content-length')).toBe('3');
    expect(new Uint8Array(await answer.arrayBuffer())).toEqual(new Uint8Array([1, 2, 3]));
  });

  it('breaks the connection when the source fails, so that half never looks whole', async () => {
    const answer = await caller.fetch('/probe/bytes-broken');
    await expect(answer.arrayBuffer()).rejects.toThrow();
  });

  it('takes from the source only what the client reads', async () => {
    produced = 0;
    const socket = await connect(server.port);
    socket.pause();
    socket.write(`GET /probe/bytes-endless HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${caller.key}\r\n\r\n`);
    await expect.poll(() => produced).toBeGreaterThan(0);
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
    expect(produced).toBeLessThan(32 * 1024 * 1024);
    const before = ended.bytes;
    socket.destroy();
    await expect.poll(() => ended.bytes).toBe(before + 1);
  });
});
