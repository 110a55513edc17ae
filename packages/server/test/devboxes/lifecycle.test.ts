import { FakeHost } from '@berth/host/fake';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestCaller, type TestServer } from '../harness.ts';

let server: TestServer;
let caller: TestCaller;
const host = new FakeHost();

beforeAll(async () => {
  server = await startTestServer({ host });
  caller = await server.newCaller();
});
afterAll(() => server.close());

describe('smoke', () => {
  it('runs', async () => {
    const made = await caller.call('POST', '/v1/devboxes', { name: 'x' });
    expect(made.json).toMatchObject({ status: 'provisioning' });
    const up = await caller.call('POST', `/v1/devboxes/${made.json.id}/wait_for_status`, {
      statuses: ['running', 'failure'],
    });
    expect(up.json).toMatchObject({ status: 'running' });
    const run = await caller.call('POST', `/v1/devboxes/${made.json.id}/execute`, { command: 'echo hi' });
    expect(run.json).toMatchObject({ status: 'completed', stdout: 'hi\n', exit_status: 0 });
    const down = await caller.call('POST', `/v1/devboxes/${made.json.id}/shutdown`, '');
    expect(down.json).toMatchObject({ status: 'shutdown' });
    console.log(JSON.stringify(down.json));
  });
});
