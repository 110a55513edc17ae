import http2 from 'node:http2';
import net from 'node:net';
import { Runloop } from '@runloop/api-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestCaller, type TestServer } from '../harness.ts';
import { echoRoute } from '../probe-routes.ts';
import { collect, connect } from './socket.ts';

let server: TestServer;
let caller: TestCaller;

beforeAll(async () => {
  server = await startTestServer({ extraRoutes: [echoRoute()], frontDoor: { headTimeoutMs: 400 } });
  caller = await server.newCaller();
});
afterAll(() => server.close());

const h2Request = async (
  session: http2.ClientHttp2Session,
  headers: http2.OutgoingHttpHeaders,
  body = '',
): Promise<{ status: number; text: string }> => {
  const stream = session.request({ authorization: `Bearer ${caller.key}`, ...headers }, { endStream: body === '' });
  if (body !== '') {
    stream.end(body);
  }
  let status = 0;
  stream.on('response', (head) => {
    status = Number(head[':status']);
  });
  let text = '';
  for await (const chunk of stream) {
    text += String(chunk);
  }
  return { status, text };
};

describe('one port', () => {
  it('speaks HTTP/2 in clear text with prior knowledge', async () => {
    const session = http2.connect(server.baseUrl);
    try {
      const get = await h2Request(session, { ':path': '/v1/accounts/me' });
      expect(get.status).toBe(200);
      expect(JSON.parse(get.text).id).toBe(caller.account);
      const post = await h2Request(session, { ':path': '/probe/echo/a', ':method': 'POST' }, '{"name":"h2"}');
      expect(JSON.parse(post.text).body).toEqual({ name: 'h2' });
      const empty = await h2Request(session, {
        ':path': '/probe/echo/a',
        ':method': 'POST',
        'content-type': 'application/json',
      });
      expect(JSON.parse(empty.text).body).toEqual({});
      const unauthorized = await h2Request(session, { ':path': '/v1/accounts/me', authorization: '' });
      expect(unauthorized.status).toBe(401);
    } finally {
      session.close();
    }
  });

  it('offers wide windows and many streams', async () => {
    const session = http2.connect(server.baseUrl);
    const settings = await new Promise<http2.Settings>((resolve) => session.once('remoteSettings', resolve));
    expect(settings.maxConcurrentStreams).toBeGreaterThanOrEqual(1_000);
    expect(settings.initialWindowSize).toBe(16 * 1024 * 1024);
    session.close();
  });

  it('answers 200 requests at once on one HTTP/2 connection', async () => {
    const session = http2.connect(server.baseUrl);
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, index) =>
        h2Request(session, { ':path': `/probe/echo/${index}`, ':method': 'POST' }, '{}'),
      ),
    );
    expect(answers.map((answer) => JSON.parse(answer.text).params.id)).toEqual(
      Array.from({ length: 200 }, (_, index) => String(index)),
    );
    session.close();
  });

  it.each([true, false])('serves the official client, http2: %s', async (useHttp2) => {
    const client = new Runloop({
      baseURL: server.baseUrl,
      bearerToken: caller.key,
      http2: useHttp2,
      maxRetries: 0,
    } as ConstructorParameters<typeof Runloop>[0]);
    const name = `client-${useHttp2}`;
    const created = await client.secrets.create({ name, value: 'v' });
    expect(created.id).toMatch(/^sec_/);
    expect((await client.secrets.list({ limit: 10 })).secrets.map((secret) => secret.name)).toContain(name);
    expect((await client.accounts.me()).id).toBe(caller.account);
    await client.secrets.delete(name);
    await expect(client.secrets.retrieve(name)).rejects.toMatchObject({ status: 404 });
    const key = await client.apikeys.create({ name: 'k' });
    expect(key.key_secret).toMatch(/^ak_/);
  });
});

describe('HTTP/1.1', () => {
  const head = (path: string, extra = ''): string =>
    `GET ${path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${caller.key}\r\n${extra}\r\n`;

  it('reads a request that comes byte by byte, beginning like HTTP/2', async () => {
    const socket = await connect(server.port);
    for (const byte of `POST /probe/echo/P HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${caller.key}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`) {
      socket.write(byte);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await collect(socket)).toMatch(/^HTTP\/1\.1 200 OK/);
  });

  it('answers several requests sent at once on one connection, in order', async () => {
    const socket = await connect(server.port);
    socket.write(head('/healthz') + head('/v1/accounts/me') + head('/nothing', 'connection: close\r\n'));
    const text = await collect(socket);
    expect([...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map((match) => match[1])).toEqual(['200', '200', '404']);
  });

  it('takes a client that has closed its sending side as gone, and closes too', async () => {
    const socket = await connect(server.port);
    socket.end(head('/v1/accounts/me'));
    await collect(socket);
    expect((await fetch(`${server.baseUrl}/healthz`)).status).toBe(200);
  });

  it('lets a client wait for 100 before it sends its body', async () => {
    const socket = await connect(server.port);
    socket.write(
      `POST /probe/echo/a HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${caller.key}\r\ncontent-length: 2\r\nexpect: 100-continue\r\nconnection: close\r\n\r\n`,
    );
    await new Promise<void>((resolve) => {
      socket.once('data', (bytes) => {
        expect(String(bytes)).toMatch(/^HTTP\/1\.1 100/);
        resolve();
      });
    });
    socket.write('{}');
    expect(await collect(socket)).toMatch(/^HTTP\/1\.1 200/);
  });

  it('refuses an upgrade that nothing serves', async () => {
    const socket = await connect(server.port);
    socket.write(head('/pty/x', 'connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-key: eA==\r\n'));
    expect(await collect(socket)).toMatch(/^HTTP\/1\.1 501/);
  });

  it.each([
    '\u0016\u0003\u0001\u0002\u0000\u0001',
    'hello\r\n\r\n',
    'PRI * HTTP/1.1\r\n\r\n',
    'GET / HTTP/9.9\r\n\r\n',
  ])('refuses what is no HTTP: %j', async (text) => {
    const socket = await connect(server.port);
    socket.write(text);
    const answer = await collect(socket);
    expect(answer === '' || /^HTTP\/1\.1 40[08]/.test(answer)).toBe(true);
  });

  it('refuses huge heads with 431', async () => {
    const socket = await connect(server.port);
    socket.write(head('/healthz', `x-big: ${'x'.repeat(64 * 1024)}\r\n`));
    expect(await collect(socket)).toMatch(/^HTTP\/1\.1 431/);
  });
});

describe('clients that stall', () => {
  it('drops a connection that says nothing', async () => {
    const socket = await connect(server.port);
    expect(await collect(socket)).toBe('');
  });

  it('drops a connection that stops within the HTTP/2 preface', async () => {
    const socket = await connect(server.port);
    socket.write('PRI * HT');
    expect(await collect(socket)).toBe('');
  });

  it('drops a request whose head never ends', async () => {
    const socket = await connect(server.port);
    socket.write('GET /healthz HTTP/1.1\r\nhost: x\r\n');
    expect(await collect(socket)).toMatch(/^HTTP\/1\.1 408/);
  });

  it('leaves no connection behind', async () => {
    const sockets = await Promise.all(Array.from({ length: 20 }, () => connect(server.port)));
    for (const socket of sockets) {
      socket.write('GET /healthz HTTP/1.1\r\n');
      socket.resetAndDestroy();
    }
    const probe = net.connect(server.port, '127.0.0.1');
    probe.destroy();
    await expect.poll(() => server.server.frontDoor.connections).toBeLessThan(20);
  });
});
