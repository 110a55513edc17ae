import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestCaller, type TestServer } from '../harness.ts';
import { brokenRoute, echoRoute, refusedRoute } from '../probe-routes.ts';

let server: TestServer;
let caller: TestCaller;

beforeAll(async () => {
  server = await startTestServer({ extraRoutes: [echoRoute(), brokenRoute(), refusedRoute()] });
  caller = await server.newCaller();
});
afterAll(() => server.close());

describe('request bodies', () => {
  it('reads an empty body with JSON type as {}', async () => {
    const answer = await caller.call('POST', '/probe/echo/a', '');
    expect(answer.status).toBe(200);
    expect(answer.json.body).toEqual({});
  });

  it('reads a body without a content type, and JSON null as {}', async () => {
    const answer = await caller.fetch('/probe/echo/a', { method: 'POST', body: new TextEncoder().encode('null') });
    expect(answer.status).toBe(200);
    expect(((await answer.json()) as { body: unknown }).body).toEqual({});
  });

  it('takes null members as absent, at any depth, but keeps null in lists', async () => {
    const body = { name: null, tags: { a: null, b: { c: null, d: 1 }, e: [null, 1] } };
    const answer = await caller.call('POST', '/probe/echo/a', body);
    expect(answer.json.body).toEqual({ tags: { b: { d: 1 }, e: [null, 1] } });
  });

  it('ignores members it does not know', async () => {
    const answer = await caller.call('POST', '/probe/echo/a', { name: 'x', reflex: { mode: 1 } });
    expect(answer.json.body).toEqual({ name: 'x' });
  });

  it.each(['{', '{"name":', 'nonsense', '{"name":"a"}}', '\u0000'])(
    'refuses malformed JSON %j with 400',
    async (text) => {
      const answer = await caller.call('POST', '/probe/echo/a', text);
      expect(answer.status).toBe(400);
      expect(answer.json).toMatchObject({ code: 'malformedJson', retryable: false });
    },
  );

  it('refuses bytes that are not UTF-8', async () => {
    const answer = await caller.fetch('/probe/echo/a', { method: 'POST', body: new Uint8Array([0x22, 0xff, 0x22]) });
    expect(answer.status).toBe(400);
  });

  it.each([[[1, 2]], ['text'], [7]])('refuses JSON that is no object: %j', async (body) => {
    const answer = await caller.call('POST', '/probe/echo/a', JSON.stringify(body));
    expect(answer.status).toBe(400);
  });

  it('refuses deep nesting instead of overflowing', async () => {
    const depth = 100_000;
    const answer = await caller.call(
      'POST',
      '/probe/echo/a',
      `{"tags":{"a":${'['.repeat(depth)}${']'.repeat(depth)}}}`,
    );
    expect(answer.status).toBe(400);
    expect(answer.json.message).toContain('nested');
  });

  it('does not let a body reach the prototype', async () => {
    const answer = await caller.call('POST', '/probe/echo/a', '{"tags":{"__proto__":{"polluted":1},"x":1}}');
    expect(answer.json.body).toEqual({ tags: { x: 1 } });
    expect(Reflect.get({}, 'polluted')).toBeUndefined();
  });

  it('refuses a body over the limit with 413, announced or not', async () => {
    const big = JSON.stringify({ name: 'x'.repeat(1_100_000) });
    expect((await caller.call('POST', '/probe/echo/a', big)).status).toBe(413);
    const stream = new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode(big));
        controller.close();
      },
    });
    const chunked = await caller.fetch('/probe/echo/a', {
      method: 'POST',
      body: stream,
      duplex: 'half',
    } as RequestInit);
    expect(chunked.status).toBe(413);
  });

  it('says which member is wrong', async () => {
    const answer = await caller.call('POST', '/probe/echo/a', { name: 5 });
    expect(answer.status).toBe(400);
    expect(answer.json).toMatchObject({ code: 'invalidRequest' });
    expect(answer.json.message).toContain('name');
  });
});

describe('paths and queries', () => {
  it('hands over decoded parameters and checked queries', async () => {
    const answer = await caller.call('POST', '/probe/echo/a%2Fb?n=3&other=1', {});
    expect(answer.json).toMatchObject({ params: { id: 'a/b' }, query: { n: 3 }, account: caller.account });
  });

  it.each(['n=11', 'n=-1', 'n=x', 'n=1.5', 'n=', 'n=1&n=2'])('refuses the query %s with 400', async (query) => {
    expect((await caller.call('POST', `/probe/echo/a?${query}`, {})).status).toBe(400);
  });

  it('answers an unknown route with 404 in JSON', async () => {
    const answer = await caller.call('GET', '/v1/nothing/here?key=secret');
    expect(answer.status).toBe(404);
    expect(answer.json.code).toBe('routeNotFound');
    expect(answer.json.message).not.toContain('secret');
  });

  it('answers a wrong method with 405 and says which are right', async () => {
    const answer = await caller.call('DELETE', '/v1/secrets');
    expect(answer.status).toBe(405);
    expect(answer.headers.get('allow')).toBe('POST, GET');
  });

  it.each(['/probe/echo/%', '/probe/echo/%E0%A4%A'])('answers the malformed path %s with 400', async (path) => {
    expect((await caller.call('POST', path, {})).status).toBe(400);
  });

  it('answers over-long path parts with 404, not with a crash', async () => {
    const answer = await caller.call('GET', `/v1/secrets/${'x'.repeat(8_000)}`);
    expect([400, 404]).toContain(answer.status);
  });
});

describe('errors', () => {
  it('hides what was not foreseen, and names the request', async () => {
    const answer = await caller.call('POST', '/probe/broken', {});
    expect(answer.status).toBe(500);
    expect(answer.json).toMatchObject({ code: 'internal', retryable: true });
    expect(JSON.stringify(answer.json)).not.toContain('inside');
    expect(answer.json.message).toContain(answer.headers.get('berth-request-id'));
    expect(answer.headers.get('x-should-retry')).toBeNull();
  });

  it('gives code, message, hint and retryable', async () => {
    const answer = await caller.call('POST', '/probe/refused', {});
    expect(answer.status).toBe(400);
    expect(answer.json).toEqual({
      code: 'duplicateName',
      message: "a probe named 'x' already exists",
      hint: expect.any(String),
      retryable: false,
    });
  });

  it('tells clients not to retry what cannot heal', async () => {
    const answer = await caller.call('POST', '/v1/scenarios', { name: 'x' });
    expect(answer.status).toBe(501);
    expect(answer.headers.get('x-should-retry')).toBe('false');
    expect(answer.json).toMatchObject({ code: 'notImplemented', retryable: false });
    expect(answer.json.message).toContain('scenarios');
  });
});
