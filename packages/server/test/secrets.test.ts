import { afterAll, beforeAll, expect, it } from 'vitest';
import { startTestServer, type TestCaller, type TestServer } from './harness.ts';

let server: TestServer;
let caller: TestCaller;

beforeAll(async () => {
  server = await startTestServer();
  caller = await server.newCaller();
});
afterAll(() => server.close());

it('creates a secret and never shows its value', async () => {
  const created = await caller.call('POST', '/v1/secrets', { name: 'first-169-ab12cd', value: 'hush' });
  expect(created.status).toBe(200);
  expect(created.json.id).toMatch(/^sec_[0-9A-Za-z]{21}$/);
  expect(JSON.stringify(created.json)).not.toContain('hush');
});
