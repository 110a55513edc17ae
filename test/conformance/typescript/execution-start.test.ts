import { describe, expect, it } from 'vitest';
import { refusal, unknownId } from '../../platform/answers.ts';
import { output, useBox } from '../../platform/boxes.ts';
import { request, transports } from '../../platform/clients.ts';

describe.each(transports)('start an execution over %s (API §4.1)', (transport) => {
  const box = useBox(transport);

  it('execute answers with the whole result and takes the id it was given', async () => {
    const command_id = crypto.randomUUID();
    const view = await box.client.devboxes.execute(box.id, { command: 'echo out; echo err >&2; exit 42', command_id });
    expect(view).toMatchObject({
      devbox_id: box.id,
      execution_id: command_id,
      status: 'completed',
      exit_status: 42,
      stdout: 'out\n',
      stderr: 'err\n',
      stdout_truncated: false,
      stderr_truncated: false,
    });
    expect(await box.client.devboxes.executions.retrieve(box.id, command_id)).toEqual(view);
  });

  it('execute makes an id when none is given', async () => {
    const params = { command: 'true' };
    const first = await box.client.devboxes.execute(box.id, params);
    const second = await box.client.devboxes.execute(box.id, params);
    expect(first.execution_id).not.toBe(second.execution_id);
  });

  it('execute answers running after the optimistic time-out and kills nothing', async () => {
    const command_id = crypto.randomUUID();
    const params = { command: 'sleep 3; echo done', command_id, optimistic_timeout: 1 };
    const view = await box.client.devboxes.execute(box.id, params);
    expect(view).toMatchObject({ status: 'running', execution_id: command_id });
    expect(view.exit_status ?? null).toBeNull();
    const done = await box.client.devboxes.waitForCommand(box.id, command_id, { statuses: ['completed'] });
    expect(done).toMatchObject({ status: 'completed', exit_status: 0, stdout: 'done\n' });
  });

  it('execute_async answers at once', async () => {
    const view = await box.client.devboxes.executeAsync(box.id, { command: 'sleep 1; echo later' });
    expect(['queued', 'running']).toContain(view.status);
    expect(view.execution_id).toMatch(/\S/);
    const done = await box.client.devboxes.executions.awaitCompleted(box.id, view.execution_id);
    expect(done).toMatchObject({ exit_status: 0, stdout: 'later\n' });
  });

  it('execute_sync answers with exit status and outputs', async () => {
    const view = await box.client.devboxes.executeSync(box.id, { command: 'echo a; echo b >&2; exit 7' });
    expect(view).toMatchObject({ devbox_id: box.id, exit_status: 7, stdout: 'a\n', stderr: 'b\n' });
  });

  it('execute_sync works for commands longer than any long poll', { timeout: 60_000 }, async () => {
    const view = await box.client.devboxes.executeSync(box.id, { command: 'sleep 32; echo awake' });
    expect(view).toMatchObject({ exit_status: 0, stdout: 'awake\n' });
  });

  it('never runs one command_id twice, however often and at once it comes', async () => {
    const command_id = crypto.randomUUID();
    const params = { command: `echo run >> marks-${command_id}; sleep 0.5; echo once`, command_id };
    const views = await Promise.all([1, 2, 3, 4, 5].map(() => box.client.devboxes.execute(box.id, params)));
    expect(views.map((view) => [view.execution_id, view.exit_status, view.stdout])).toEqual(
      views.map(() => [command_id, 0, 'once\n']),
    );
    const later = await box.client.devboxes.execute(box.id, params);
    expect(later).toMatchObject({ status: 'completed', exit_status: 0, stdout: 'once\n' });
    expect(await output(box.client, box.id, `cat marks-${command_id}`)).toBe('run\n');
  });

  it('answers 404 for executions and boxes of nobody', async () => {
    const { client, id } = box;
    const nobody = crypto.randomUUID();
    const calls: ReadonlyArray<() => PromiseLike<unknown>> = [
      () => client.devboxes.executions.retrieve(id, nobody),
      () => client.devboxes.executions.kill(id, nobody),
      () => client.devboxes.executions.sendStdIn(id, nobody, { text: 'x' }),
      () => client.devboxes.waitForCommand(id, nobody, { statuses: ['completed'] }),
      () => client.devboxes.execute(unknownId('dbx'), { command: 'true', command_id: nobody }),
    ];
    for (const call of calls) {
      expect((await refusal(call())).status).toBe(404);
    }
  });

  it('refuses what is no command with 400', async () => {
    const bodies = ['{}', '{"command":null}', '{"command":7}', '[]', '"x"'];
    for (const body of bodies) {
      const answer = await request(`/v1/devboxes/${box.id}/execute`, { method: 'POST', body });
      expect([body, answer.status]).toEqual([body, 400]);
    }
  });

  it('refuses a command id that is a path, and one that is too long', async () => {
    for (const command_id of ['../../../etc/passwd', 'x'.repeat(5_000), 'a/b', 'nul\0byte']) {
      const body = JSON.stringify({ command: 'true', command_id });
      const answer = await request(`/v1/devboxes/${box.id}/execute`, { method: 'POST', body });
      expect([command_id.slice(0, 30), answer.status]).toEqual([command_id.slice(0, 30), 400]);
    }
  });
});

describe('wait for an execution (API §4.1)', () => {
  const box = useBox();

  it('answers 408 with x-should-retry when it goes on', async () => {
    const { execution_id } = await box.client.devboxes.executeAsync(box.id, { command: 'sleep 30' });
    const answer = await refusal(
      box.client.devboxes.waitForCommand(box.id, execution_id, { statuses: ['completed'], timeout_seconds: 1 }),
    );
    expect(answer).toMatchObject({ status: 408, shouldRetry: 'true' });
    await box.client.devboxes.executions.kill(box.id, execution_id);
  });

  it('answers at once for a status that is', async () => {
    const { execution_id } = await box.client.devboxes.executeAsync(box.id, { command: 'sleep 30' });
    const view = await box.client.devboxes.waitForCommand(box.id, execution_id, { statuses: ['running', 'completed'] });
    expect(view.status).toBe('running');
    await box.client.devboxes.executions.kill(box.id, execution_id);
  });

  it('refuses waits that cannot be', async () => {
    const { execution_id } = await box.client.devboxes.execute(box.id, { command: 'true' });
    const path = `/v1/devboxes/${box.id}/executions/${execution_id}/wait_for_status`;
    for (const body of ['{}', '{"statuses":[]}', '{"statuses":["done"]}']) {
      expect([body, (await request(path, { method: 'POST', body })).status]).toEqual([body, 400]);
    }
  });
});
