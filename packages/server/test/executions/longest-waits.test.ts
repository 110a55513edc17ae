import { afterAll, beforeAll, expect, it } from 'vitest';
import { type DevboxServer, runningBox, startDevboxServer } from '../devboxes/kit.ts';

let server: DevboxServer;
beforeAll(async () => {
  server = await startDevboxServer();
});
afterAll(() => server.close());

it('waits that are longer than the API holds a request are cut short: 30 s for a devbox, 25 s for an execution; the client comes back', async () => {
  const { caller } = server;
  const id = await runningBox(caller);
  const begun = await caller.call('POST', `/v1/devboxes/${id}/execute_async`, { command: 'sleep infinity' });
  const command_id = crypto.randomUUID();
  const [box, execution, command] = await Promise.all([
    caller.call('POST', `/v1/devboxes/${id}/wait_for_status`, { statuses: ['failure'], timeout_seconds: 3_600 }),
    caller.call('POST', `/v1/devboxes/${id}/executions/${begun.json.execution_id}/wait_for_status`, {
      statuses: ['completed'],
      timeout_seconds: 3_600,
    }),
    caller.call('POST', `/v1/devboxes/${id}/execute`, {
      command: 'sleep infinity',
      command_id,
      optimistic_timeout: 3_600,
    }),
  ]);
  expect(box).toMatchObject({ status: 408, json: { code: 'longPollTimeout', retryable: true } });
  expect(box.json.message).toMatch(/ within 30 s$/);
  expect(execution).toMatchObject({ status: 408, json: { code: 'longPollTimeout', retryable: true } });
  expect(execution.json.message).toMatch(/ within 25 s$/);
  // What was begun with the wait is shown as it stands; nothing ended with it.
  expect(command).toMatchObject({ status: 200, json: { status: 'running', execution_id: command_id } });
});
