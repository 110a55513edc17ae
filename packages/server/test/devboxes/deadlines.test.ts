import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DevboxServer, eventually, execute, runningBox, startDevboxServer, waitFor } from './kit.ts';

let server: DevboxServer;
beforeAll(async () => {
  server = await startDevboxServer();
});
afterAll(() => server.close());

const idleAfter = (seconds: number) => ({ after_idle: { idle_time_seconds: seconds, on_idle: 'shutdown' } });
const row = (id: string) =>
  server.server.parts.database.selectFrom('devboxes').selectAll().where('id', '=', id).executeTakeFirstOrThrow();

describe('lifetime', () => {
  it('ends the box at its expiry', async () => {
    const id = await runningBox(server.caller, { launch_parameters: { keep_alive_time_seconds: 0.2 } });
    const view = await waitFor(server.caller, id, 'shutdown');
    expect(view).toMatchObject({ shutdown_reason: 'keep_alive_timeout' });
    expect(view.end_time_ms - view.state_transitions[2].transition_time_ms).toBeGreaterThanOrEqual(200);
    await eventually(async () => (await server.host.inspect(id))?.phase === 'destroyed');
  });

  it('begins when the box runs, and again with keep_alive', async () => {
    const id = await runningBox(server.caller, { launch_parameters: { keep_alive_time_seconds: 600 } });
    const before = await row(id);
    const ranAt = before.transitions[2]?.at_ms ?? 0;
    expect(before.expires_ms).toBe(ranAt + 600_000);
    await new Promise((resolve) => setTimeout(resolve, 5));
    const kept = await server.caller.call('POST', `/v1/devboxes/${id}/keep_alive`, '');
    expect(kept).toMatchObject({ status: 200, json: {} });
    expect((await row(id)).expires_ms).toBeGreaterThan(before.expires_ms ?? 0);
  });

  it('ends a box that waits for its launch command for ever', async () => {
    const { json } = await server.caller.call('POST', '/v1/devboxes', {
      launch_parameters: { launch_commands: ['sleep infinity'] },
    });
    await waitFor(server.caller, json.id, 'initializing');
    await server.server.parts.database
      .updateTable('devboxes')
      .set({ expires_ms: 1 })
      .where('id', '=', json.id)
      .execute();
    await restart();
    expect(await waitFor(server.caller, json.id, 'shutdown')).toMatchObject({ shutdown_reason: 'keep_alive_timeout' });
    await eventually(async () => (await server.host.inspect(json.id))?.phase === 'destroyed');
  });
});

describe('idleness', () => {
  it('ends a box that nobody uses, and takes the place of the lifetime', async () => {
    const launch_parameters = { ...idleAfter(0.15), keep_alive_time_seconds: 0.01 };
    const id = await runningBox(server.caller, { launch_parameters });
    expect((await row(id)).expires_ms).toBeNull();
    const view = await waitFor(server.caller, id, 'shutdown');
    expect(view).toMatchObject({ shutdown_reason: 'idle' });
    expect(view.end_time_ms - view.state_transitions[2].transition_time_ms).toBeGreaterThanOrEqual(150);
  });

  it('does not begin while a command runs', async () => {
    const id = await runningBox(server.caller, { launch_parameters: { lifecycle: idleAfter(0.1) } });
    const started = await server.caller.call('POST', `/v1/devboxes/${id}/execute_async`, { command: 'sleep 0.6' });
    const view = await waitFor(server.caller, id, 'shutdown');
    const done = await server.host.execution(id, started.json.execution_id, 0);
    expect(done.end).toEqual({ kind: 'exited', code: 0 });
    expect(view.end_time_ms).toBeGreaterThanOrEqual((done.endedMs ?? 0) + 90);
    const left = await server.server.parts.database.selectFrom('open_executions').selectAll().execute();
    expect(left).toEqual([]);
  });

  it.each([
    ['a command', (id: string) => execute(server.caller, id, 'true')],
    [
      'writing a file',
      (id: string) =>
        server.caller.call('POST', `/v1/devboxes/${id}/write_file_contents`, { file_path: 'a', contents: 'b' }),
    ],
    ['keep_alive', (id: string) => server.caller.call('POST', `/v1/devboxes/${id}/keep_alive`, '')],
  ])('begins anew with %s', async (_what, use) => {
    const id = await runningBox(server.caller, { launch_parameters: idleAfter(60) });
    await server.server.parts.database.updateTable('devboxes').set({ activity_ms: 1 }).where('id', '=', id).execute();
    await use(id);
    await eventually(async () => (await row(id)).activity_ms > 1);
    expect((await row(id)).status).toBe('running');
  });

  it('finds after a restart that a command of before still runs', async () => {
    const id = await runningBox(server.caller, { launch_parameters: idleAfter(0.3) });
    const command = { command: 'sleep 1.5', command_id: 'long-one', optimistic_timeout: 0 };
    expect((await server.caller.call('POST', `/v1/devboxes/${id}/execute`, command)).status).toBe(408);
    await restart();
    const view = await waitFor(server.caller, id, 'shutdown');
    const done = await server.host.execution(id, 'long-one', 0);
    expect(done.end).toEqual({ kind: 'exited', code: 0 });
    expect(view).toMatchObject({ shutdown_reason: 'idle' });
  });
});

/** Another server on the same database and host; keys and callers stay good. */
const restart = async (): Promise<void> => {
  const { host, caller, databaseUrl } = server;
  await server.server.stop(100);
  const next = await startDevboxServer({ host, databaseUrl });
  const { close } = server;
  server = {
    ...next,
    caller: next.callerWithKey(caller.account, caller.key),
    close: async () => {
      await next.close();
      await close().catch(() => undefined);
    },
  };
};
