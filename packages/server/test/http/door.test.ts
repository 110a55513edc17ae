import { afterAll, beforeAll, expect, it } from 'vitest';
import type { TestCaller, TestServer } from '../harness.ts';
import { createObject, startObjectServer } from '../objects/kit.ts';

/** A loopback address of its own stands for the one that boxes come by. */
const doorAddress = '127.0.0.77';
let server: TestServer;
let caller: TestCaller;
beforeAll(async () => {
  server = await startObjectServer({ doorAddress });
  caller = await server.newCaller();
});
afterAll(() => server.close());

it('serves what presigned URLs name, and URLs begin there', async () => {
  const { id, upload_url } = await createObject(caller);
  expect(upload_url.startsWith(`http://${doorAddress}:${server.port}/`)).toBe(true);
  expect((await fetch(upload_url, { method: 'PUT', body: 'through the door' })).status).toBe(200);
  await caller.call('POST', `/v1/objects/${id}/complete`, '');
  const { json } = await caller.call('GET', `/v1/objects/${id}/download`);
  expect(await (await fetch(json.download_url)).text()).toBe('through the door');
});

it.each(['/v1/devboxes', '/v1/objects', '/healthz', '/readyz', '/metrics', '/openapi.json', '/v1/account', '/nothing'])(
  'serves nothing else, whoever asks: %s',
  async (path) => {
    const headers = { authorization: `Bearer ${caller.key}` };
    const answer = await fetch(`http://${doorAddress}:${server.port}${path}`, { headers });
    expect(answer.status).toBe(404);
    expect(await answer.json()).toMatchObject({ code: 'routeNotFound' });
  },
);
