import { describe, expect, it } from 'vitest';
import { refusal } from '../../platform/answers.ts';
import { output, run, useBox } from '../../platform/boxes.ts';
import { request, transports } from '../../platform/clients.ts';

describe.each(transports)('kill over %s (API §4.1)', (transport) => {
  const box = useBox(transport);

  it('ends a command with the status of SIGKILL, and is repeatable', async () => {
    const { execution_id } = await box.client.devboxes.executeAsync(box.id, { command: 'echo before; exec sleep 600' });
    const first = await box.client.devboxes.executions.kill(box.id, execution_id);
    expect(first.execution_id).toBe(execution_id);
    const done = await box.client.devboxes.waitForCommand(box.id, execution_id, { statuses: ['completed'] });
    expect(done).toMatchObject({ status: 'completed', exit_status: 137 });
    const again = await box.client.devboxes.executions.kill(box.id, execution_id, { kill_process_group: true });
    expect(again).toMatchObject({ status: 'completed', exit_status: 137 });
  });

  it('ends the whole group when asked to', async () => {
    const command = 'sleep 4242 & sleep 4242 & sleep 4242 & wait';
    const { execution_id } = await box.client.devboxes.executeAsync(box.id, { command });
    await output(box.client, box.id, 'until [ $(pgrep -fxc "sleep 4242") = 3 ]; do sleep 0.05; done');
    await box.client.devboxes.executions.kill(box.id, execution_id, { kill_process_group: true });
    await box.client.devboxes.waitForCommand(box.id, execution_id, { statuses: ['completed'] });
    expect((await run(box.client, box.id, 'sleep 0.2; pgrep -fx "sleep 4242"')).stdout).toBe('');
  });

  it('leaves a finished one as it was', async () => {
    const { execution_id } = await box.client.devboxes.execute(box.id, { command: 'exit 5' });
    expect(await box.client.devboxes.executions.kill(box.id, execution_id)).toMatchObject({
      status: 'completed',
      exit_status: 5,
    });
  });
});

describe.each(transports)('standard input over %s (API §4.1, §27)', (transport) => {
  const box = useBox(transport);
  const start = async (command: string) =>
    (await box.client.devboxes.executeAsync(box.id, { command, attach_stdin: true })).execution_id;
  // A body of `signal` alone would be taken for request options by the client.
  const send = (id: string, params: { text?: string; signal?: 'EOF' | 'INTERRUPT' }) =>
    box.client.devboxes.executions.sendStdIn(box.id, id, { text: null, ...params });
  const finished = (id: string) =>
    box.client.devboxes.waitForCommand(box.id, id, { statuses: ['completed'], last_n: '9999' });

  it('arrives in order and ends with EOF', async () => {
    const id = await start('cat; echo ended');
    for (const text of ['one\n', 'zwei ü\n', 'three']) {
      expect(await send(id, { text })).toEqual({ devbox_id: box.id, execution_id: id, success: true });
    }
    expect((await box.client.devboxes.executions.retrieve(box.id, id)).status).toBe('running');
    expect(await send(id, { signal: 'EOF' })).toMatchObject({ success: true });
    expect(await finished(id)).toMatchObject({ exit_status: 0, stdout: 'one\nzwei ü\nthreeended\n' });
  });

  it('feeds a program that talks back', async () => {
    const id = await start('read -p "name? " name; echo "hello $name"');
    await send(id, { text: 'Ada\n' });
    expect(await finished(id)).toMatchObject({ exit_status: 0, stdout: expect.stringContaining('hello Ada\n') });
  });

  it('takes a megabyte, counted on the other side', async () => {
    const id = await start('wc -c');
    for (let part = 0; part < 8; part += 1) {
      await send(id, { text: 'x'.repeat(128 * 1024) });
    }
    await send(id, { signal: 'EOF' });
    expect((await finished(id)).stdout?.trim()).toBe(String(1024 * 1024));
  });

  it('is written once when a send is repeated with its idempotency key (API §2.5)', async () => {
    const id = await start('cat');
    const idempotencyKey = crypto.randomUUID();
    for (let attempt = 0; attempt < 3; attempt += 1) {
      await box.client.devboxes.executions.sendStdIn(box.id, id, { text: 'once\n' }, { idempotencyKey });
    }
    await send(id, { signal: 'EOF' });
    expect((await finished(id)).stdout).toBe('once\n');
  });

  it('interrupts', async () => {
    const id = await start('trap "echo caught; exit 3" INT; echo armed; while :; do sleep 0.1; done');
    await output(box.client, box.id, 'sleep 0.5');
    await send(id, { signal: 'INTERRUPT' });
    const done = await finished(id);
    expect(done.status).toBe('completed');
    expect([3, 130]).toContain(done.exit_status);
  });

  it('is refused for an execution without it, and nothing is killed', async () => {
    const { execution_id } = await box.client.devboxes.executeAsync(box.id, { command: 'sleep 1; echo alive' });
    expect((await refusal(send(execution_id, { text: 'x' }))).status).toBe(400);
    expect(await finished(execution_id)).toMatchObject({ exit_status: 0, stdout: 'alive\n' });
  });

  it('refuses empty and contradictory sends', async () => {
    const id = await start('cat');
    for (const body of ['{}', '{"text":""}', '{"signal":"HUP"}', '{"text":7}']) {
      const path = `/v1/devboxes/${box.id}/executions/${id}/send_std_in`;
      expect([body, (await request(path, { method: 'POST', body })).status]).toEqual([body, 400]);
    }
    await send(id, { signal: 'EOF' });
    expect(await finished(id)).toMatchObject({ exit_status: 0, stdout: '' });
  });

  it('is an end of file for commands that did not ask for it', async () => {
    expect(await run(box.client, box.id, 'cat; echo end')).toMatchObject({ exit_status: 0, stdout: 'end\n' });
  });
});
