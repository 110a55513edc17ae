import { connect as connectHttp2 } from 'node:http2';
import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { refusal } from '../../platform/answers.ts';
import { useBox } from '../../platform/boxes.ts';
import { rawClient, request, shared, transports } from '../../platform/clients.ts';

describe('one port for every protocol (API §1.2)', () => {
  it.each(transports)('serves the official client over %s', async (transport) => {
    expect((await rawClient(transport).devboxes.list({ limit: 1 })).has_more).toBeTypeOf('boolean');
  });

  it('speaks h2c with prior knowledge, many streams on one connection', async () => {
    const session = connectHttp2(shared().baseUrl);
    const get = () =>
      new Promise<number>((resolve, reject) => {
        const stream = session.request({ ':path': '/v1/accounts/me', authorization: `Bearer ${shared().apiKey}` });
        stream.on('response', (headers) => resolve(Number(headers[':status'])));
        stream.on('error', reject);
        stream.resume();
      });
    const statuses = await Promise.all(Array.from({ length: 50 }, get));
    session.close();
    expect(new Set(statuses)).toEqual(new Set([200]));
  });

  it.each(['\r\n\r\n', 'PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n', 'GET\r\n\r\n', '\x16\x03\x01\x02\x00', 'PR'])(
    'hangs up on %j and goes on',
    async (bytes) => {
      await new Promise<void>((resolve) => {
        const socket = connect(shared().port, '127.0.0.1', () => socket.end(bytes));
        socket.on('close', () => resolve());
        socket.on('error', () => undefined);
        socket.resume();
      });
      expect((await request('/healthz', { key: null })).status).toBe(200);
    },
  );

  it('refuses a WebSocket where there is none, without hanging', async () => {
    const answer = await new Promise<string>((resolve) => {
      const socket = connect(shared().port, '127.0.0.1', () =>
        socket.write(
          'GET /v1/devboxes HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
            'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n',
        ),
      );
      socket.once('data', (data) => {
        socket.destroy();
        resolve(data.toString());
      });
      socket.once('close', () => resolve('closed'));
    });
    expect(answer).toMatch(/^HTTP\/1\.1 [45]\d\d|^HTTP\/1\.1 200|^closed/);
  });
});

describe('bodies (API §1.1, §2.4)', () => {
  const box = useBox();

  it('reads an empty body with a JSON type as {}', async () => {
    for (const path of [`/v1/devboxes/${box.id}/keep_alive`, `/v1/devboxes/${box.id}`, '/v1/apikeys']) {
      const answer = await request(path, { method: 'POST' });
      expect([path, answer.status]).toEqual([path, 200]);
      expect(await answer.json()).toBeTypeOf('object');
    }
  });

  it('reads pretty-printed and plain bodies alike, whatever their type says', async () => {
    const body = '{\n  "name": "pretty"\n}';
    for (const type of ['application/json', 'application/json; charset=utf-8']) {
      const answer = await request(`/v1/devboxes/${box.id}`, {
        method: 'POST',
        body,
        headers: { 'content-type': type },
      });
      expect(((await answer.json()) as { name: string }).name).toBe('pretty');
    }
  });

  it.each(['{', '{"a":}', 'nonsense', '[1', '\u0000', '{"name":"x"}}'])(
    'refuses the malformed %j with 400 and a message',
    async (body) => {
      const answer = await request(`/v1/devboxes/${box.id}`, { method: 'POST', body });
      expect(answer.status).toBe(400);
      expect(((await answer.json()) as { message: string }).message).toMatch(/\S/);
    },
  );

  it('is not poisoned by __proto__', async () => {
    const body = '{"name":"safe","__proto__":{"polluted":1},"metadata":{"__proto__":"x","constructor":"y"}}';
    const answer = await request(`/v1/devboxes/${box.id}`, { method: 'POST', body });
    expect([200, 400]).toContain(answer.status);
    expect((await box.client.devboxes.retrieve(box.id)).id).toBe(box.id);
  });
});

describe('what is not there (API §2.4)', () => {
  it('answers 404 for unknown routes, with a message', async () => {
    for (const [path, method] of [
      ['/v1/nothing', 'GET'],
      ['/v2/devboxes', 'GET'],
      ['/v1/devboxes/../../etc/passwd', 'GET'],
      ['/', 'POST'],
    ] as const) {
      const answer = await request(path, { method });
      expect([path, answer.status]).toEqual([path, 404]);
      expect(((await answer.json()) as { message: string }).message).toMatch(/\S/);
    }
  });

  it('answers 501, never to be retried, for what later work brings', async () => {
    const client = rawClient();
    const calls: ReadonlyArray<() => PromiseLike<unknown>> = [
      () => client.axons.list(),
      () => client.scenarios.list(),
      () => client.benchmarks.list(),
      () => client.networkPolicies.list(),
      () => client.gatewayConfigs.list(),
      () => client.mcpConfigs.list(),
      () => client.restrictedKeys.create({ name: 'x' } as never),
    ];
    for (const call of calls) {
      const answer = await refusal(call());
      expect(answer).toMatchObject({ status: 501, shouldRetry: 'false', message: expect.stringMatching(/\S/) });
    }
  });
});

describe('beside the API', () => {
  it('says that it lives and is ready, and counts, without a key', async () => {
    for (const path of ['/healthz', '/readyz', '/metrics', '/openapi.json']) {
      expect([path, (await request(path, { key: null })).status]).toEqual([path, 200]);
    }
    expect(await (await request('/metrics', { key: null })).text()).toMatch(/^# TYPE \w+/m);
  });

  it('describes itself', async () => {
    const document = (await (await request('/openapi.json')).json()) as {
      openapi: string;
      paths: Record<string, object>;
    };
    expect(document.openapi).toMatch(/^3\.1/);
    for (const path of ['/v1/devboxes', '/v1/devboxes/{id}/execute', '/v1/secrets', '/v1/accounts/me']) {
      expect(Object.keys(document.paths)).toContain(path);
    }
  });

  it('opens the stream of evictions at once', async () => {
    const abort = new AbortController();
    const answer = await request('/v1/devboxes/evictions/watch', {
      headers: { accept: 'text/event-stream' },
      signal: abort.signal,
    });
    expect([answer.status, answer.headers.get('content-type')]).toEqual([
      200,
      expect.stringMatching(/^text\/event-stream/),
    ]);
    abort.abort();
  });
});
