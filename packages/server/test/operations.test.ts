import { FakeHost } from '@berth/host/fake';
import { Validator } from '@seriousme/openapi-schema-validator';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestCaller, type TestServer } from './harness.ts';

let server: TestServer;
let caller: TestCaller;
const host = new FakeHost();

beforeAll(async () => {
  server = await startTestServer({ host });
  caller = await server.newCaller();
});
afterAll(() => server.close());

const get = (path: string): Promise<Response> => fetch(server.baseUrl + path);

describe('routes for operators, which need no key', () => {
  it('/healthz says that the process answers', async () => {
    const answer = await get('/healthz');
    expect([answer.status, await answer.json()]).toEqual([200, { status: 'ok' }]);
  });

  it('/readyz asks database and host', async () => {
    const answer = await get('/readyz');
    expect(answer.status).toBe(200);
    expect(await answer.json()).toEqual({
      ready: true,
      checks: { database: { ok: true }, host: { ok: true }, serving: { ok: true } },
    });
  });

  it('/openapi.json is a valid OpenAPI 3.1 document of every route that is served', async () => {
    const document = (await (await get('/openapi.json')).json()) as {
      openapi: string;
      paths: Record<string, Record<string, { operationId: string; parameters: { name: string; in: string }[] }>>;
    };
    expect(document.openapi).toBe('3.1.0');
    const validation = await new Validator().validate(document);
    expect(validation.errors ?? []).toEqual([]);
    for (const { contract } of server.server.routes) {
      const operation = document.paths[contract.path]?.[contract.method.toLowerCase()];
      expect(operation?.operationId).toBe(contract.operationId);
      const inPath = operation?.parameters.filter((parameter) => parameter.in === 'path').map(({ name }) => name);
      expect(new Set(inPath)).toEqual(new Set([...contract.path.matchAll(/\{(\w+)\}/g)].map((match) => match[1])));
    }
  });

  it('gives every operation an id of its own', () => {
    const ids = server.server.routes.map((route) => route.contract.operationId);
    expect(new Set(ids).size).toBe(ids.length);
  });
});

describe('/metrics', () => {
  it('counts requests by route, never by raw path', async () => {
    await caller.call('GET', '/v1/secrets/some-private-name');
    await caller.call('GET', '/some/unknown/path');
    const answer = await get('/metrics');
    expect(answer.headers.get('content-type')).toContain('text/plain');
    const text = await answer.text();
    expect(text).toMatch(/berth_http_requests_total\{route="\/v1\/secrets\/\{name\}",method="GET",status="404"\} 1/);
    expect(text).toContain('berth_http_request_seconds_bucket');
    expect(text).toContain('nodejs_eventloop_lag');
    expect(text).toContain('process_resident_memory_bytes');
    expect(text).toContain('berth_database_listening 1');
    expect(text).not.toContain('private-name');
    expect(text).not.toContain('some/unknown');
  });

  it('shows gauges of features, and goes on when one cannot be read', async () => {
    const { metrics } = server.server.parts;
    metrics.gauge('probe_one', 'one', () => 41 + 1);
    metrics.gauge('probe_broken', 'broken', () => Promise.reject(new Error('away')));
    let statuses = new Map([['running', 3]]);
    metrics.gaugeBy('probe_by', 'by', 'status', () => statuses);
    expect(await metrics.text()).toContain('probe_one 42');
    expect(await metrics.text()).toContain('probe_by{status="running"} 3');
    statuses = new Map([['shutdown', 1]]);
    const text = await metrics.text();
    expect(text).toContain('probe_by{status="shutdown"} 1');
    expect(text).not.toContain('running');
  });
});
