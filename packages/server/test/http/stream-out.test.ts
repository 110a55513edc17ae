import { once } from 'node:events';
import http, { type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { pino } from 'pino';
import { afterEach, describe, expect, it } from 'vitest';
import { sendEvents } from '../../src/http/sse.ts';
import { ClientGone, sendChunks } from '../../src/http/stream-out.ts';
import { collect, connect } from './socket.ts';

let server: http.Server;
let client: Socket;

/** Answers one request with `work`. The result settles with it. */
const serve = async (work: (response: ServerResponse) => Promise<void>): Promise<{ outcome: Promise<unknown> }> => {
  let settle: (outcome: Promise<unknown>) => void = () => undefined;
  const outcome = new Promise<unknown>((resolve) => {
    settle = resolve;
  });
  server = http.createServer((_request, response) => settle(work(response).catch((error: unknown) => error)));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  client = await connect((server.address() as AddressInfo).port);
  client.on('error', () => undefined);
  client.write('GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
  return { outcome };
};

afterEach(async () => {
  client.destroy();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const never = new AbortController().signal;
const scope = { signal: never, closing: never, requestId: 'r', log: pino({ level: 'silent' }) };

const flood = async function* (): AsyncIterable<Uint8Array> {
  for (;;) {
    yield new Uint8Array(1024 * 1024);
  }
};

describe('a client that never reads', () => {
  it('is dropped from a download after a bounded time', async () => {
    const { outcome } = await serve((response) => {
      response.writeHead(200);
      return sendChunks(response, flood(), never, 100);
    });
    client.pause();
    expect(await outcome).toBeInstanceOf(ClientGone);
  });

  it('is dropped from an event stream after a bounded time', async () => {
    const events = async function* (): AsyncIterable<unknown> {
      for (;;) {
        yield 'x'.repeat(1024 * 1024);
      }
    };
    let closed = false;
    const { outcome } = await serve((response) => {
      response.on('close', () => {
        closed = true;
      });
      return sendEvents(response, events(), scope, { stallTimeoutMs: 100 });
    });
    client.pause();
    await outcome;
    await expect.poll(() => closed).toBe(true);
  });
});

describe('a download', () => {
  it('may lend each chunk until the next is asked for', async () => {
    const lend = async function* (): AsyncIterable<Uint8Array> {
      const chunk = new Uint8Array(200_000);
      for (let n = 1; n <= 40; n += 1) {
        yield chunk.fill(64 + n);
        chunk.fill(0);
      }
    };
    await serve((response) => {
      response.writeHead(200, { 'content-length': 40 * 200_000 });
      return sendChunks(response, lend(), never);
    });
    const text = await collect(client);
    const body = text.slice(text.indexOf('\r\n\r\n') + 4);
    expect(body).toBe(Array.from({ length: 40 }, (_, n) => String.fromCharCode(65 + n).repeat(200_000)).join(''));
  });
});

describe('an idle event stream', () => {
  it('sends comments as heart-beats, which decoders skip', async () => {
    const gone = new AbortController();
    const silent = async function* (): AsyncIterable<unknown> {
      yield 1;
      await once(gone.signal, 'abort');
    };
    await serve((response) => sendEvents(response, silent(), { ...scope, signal: gone.signal }, { heartbeatMs: 10 }));
    let text = '';
    client.on('data', (bytes) => {
      text += String(bytes);
    });
    await expect.poll(() => text.split(': ping\n\n').length).toBeGreaterThan(3);
    gone.abort();
  });

  it('does not disturb events that come in time', async () => {
    const quick = async function* (): AsyncIterable<unknown> {
      for (let n = 0; n < 1_000; n += 1) {
        yield n;
      }
    };
    await serve((response) => sendEvents(response, quick(), scope, { heartbeatMs: 60_000 }));
    const text = await collect(client);
    expect([...text.matchAll(/data: (\d+)\n\n/g)].map((match) => Number(match[1]))).toEqual(
      Array.from({ length: 1_000 }, (_, n) => n),
    );
    expect(text).not.toContain('ping');
  });
});
