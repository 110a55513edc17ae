import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type DevboxServer, execute, runningBox, startDevboxServer } from '../devboxes/kit.ts';

let server: DevboxServer;
let id: string;
beforeAll(async () => {
  server = await startDevboxServer();
  id = await runningBox(server.caller);
});
afterAll(() => server.close());

const post = (path: string, body: unknown, headers?: Record<string, string>) =>
  server.caller.call('POST', `/v1/devboxes/${id}/${path}`, body, headers);
const get = (executionId: string, query = '') =>
  server.caller.call('GET', `/v1/devboxes/${id}/executions/${executionId}${query}`);
const start = async (command: string, more: Record<string, unknown> = {}): Promise<string> =>
  (await post('execute_async', { command, ...more })).json.execution_id;

describe('execute', () => {
  it('answers with the end of a quick command, exact to the byte', async () => {
    const command_id = '0198c7a2-1111-7000-8000-000000000001';
    const answer = await post('execute', { command: 'echo out; echo err >&2; exit 42', command_id });
    expect(answer).toMatchObject({ status: 200 });
    expect(answer.json).toEqual({
      devbox_id: id,
      execution_id: command_id,
      status: 'completed',
      exit_status: 42,
      shell_name: null,
      stdout: 'out\n',
      stderr: 'err\n',
      stdout_truncated: false,
      stderr_truncated: false,
      end: { kind: 'exited', code: 42 },
    });
  });

  it('answers running, and kills nothing, when the command outlasts the wait', async () => {
    const view = await execute(server.caller, id, 'sleep infinity', { optimistic_timeout: 0.05 });
    expect(view).toMatchObject({ status: 'running', exit_status: null });
    expect((await get(view.execution_id)).json.status).toBe('running');
    await post(`executions/${view.execution_id}/kill`, '');
  });

  it('answers 408 for a wait of 0 while the command runs, and finds it again', async () => {
    const body = { command: 'sleep 0.1', command_id: 'zero-wait', optimistic_timeout: 0 };
    const early = await post('execute', body);
    expect(early).toMatchObject({ status: 408, json: { code: 'executionStillRunning' } });
    expect((await post('execute', { ...body, optimistic_timeout: 25 })).json).toMatchObject({ status: 'completed' });
    expect((await post('execute', body)).json).toMatchObject({ status: 'completed', exit_status: 0 });
  });

  it('runs a command_id once, however often and however parallel it is sent', async () => {
    const body = { command: 'sleep 0.02; echo ran', command_id: 'same' };
    const answers = await Promise.all([post('execute', body), post('execute', body), post('execute', body)]);
    answers.push(await post('execute', body));
    expect(answers.map((answer) => answer.json.stdout)).toEqual(['ran\n', 'ran\n', 'ran\n', 'ran\n']);
    const { json } = await server.caller.call('GET', `/v1/devboxes/${id}/logs?execution_id=same`);
    expect(json.logs.filter((entry: { cmd?: string }) => entry.cmd !== undefined)).toHaveLength(1);
  });

  it('repeats the answer of a repeated request without a command_id', async () => {
    const key = { 'x-request-id': 'stainless-node-retry-e1' };
    const first = await post('execute', { command: 'echo once' }, key);
    const second = await post('execute', { command: 'echo once' }, key);
    expect(second.json).toEqual(first.json);
    const third = await post('execute', { command: 'echo once' });
    expect(third.json.execution_id).not.toBe(first.json.execution_id);
  });

  it.each([
    [{}],
    [{ command: '' }],
    [{ command: 5 }],
    [{ command: 'a\0b' }],
    [{ command: 'true', command_id: 'setup-0' }],
    [{ command: 'true', command_id: 'entrypoint' }],
    [{ command: 'true', command_id: '../x' }],
    [{ command: 'true', command_id: 'x'.repeat(129) }],
    [{ command: 'true', optimistic_timeout: -1 }],
    [{ command: 'true', shell_name: '' }],
    [{ command: 'true', shell_name: 'x'.repeat(257) }],
  ])('refuses %j with 400', async (body) => {
    expect((await post('execute', body)).status).toBe(400);
  });

  it('takes commands of some megabytes and refuses larger ones', async () => {
    const large = await post('execute', { command: `: ${'x'.repeat(5_000_000)}` });
    expect(large.json).toMatchObject({ status: 'completed', exit_status: 0 });
    expect((await post('execute', { command: 'x'.repeat(9_000_000) })).status).toBe(400);
    expect((await post('execute', { command: 'x'.repeat(17_000_000) })).status).toBe(413);
  });
});

describe('last_n', () => {
  const lines = (first: number, last: number) =>
    Array.from({ length: last - first + 1 }, (_, index) => `${first + index}\n`).join('');

  it.each([
    ['', 101, lines(2, 101), true],
    ['', 100, lines(1, 100), false],
    ['?last_n=3', 1000, lines(998, 1000), true],
    ['?last_n=3', 3, lines(1, 3), false],
    ['?last_n=0', 3, '', true],
    ['?last_n=9999', 2000, lines(1, 2000), false],
  ])('with %j shows the last of %i lines and whether there were more', async (query, count, stdout, truncated) => {
    const answer = await post(`execute${query}`, { command: `seq ${count}` });
    expect(answer.json).toMatchObject({ stdout, stdout_truncated: truncated, stderr: '', stderr_truncated: false });
    expect((await get(answer.json.execution_id, query)).json).toEqual(answer.json);
  });

  it.each(['-1', '10000', 'x', '1.5', ''])('refuses %j', async (value) => {
    expect((await post(`execute?last_n=${value}`, { command: 'true' })).status).toBe(400);
  });
});

describe('execute_async', () => {
  it('answers at once and can be waited for', async () => {
    const begun = await post('execute_async', { command: 'sleep 0.05; echo done' });
    expect(begun.json).toMatchObject({ devbox_id: id, exit_status: null });
    expect(['queued', 'running']).toContain(begun.json.status);
    const path = `executions/${begun.json.execution_id}/wait_for_status`;
    const ended = await post(path, { statuses: ['completed'] });
    expect(ended.json).toMatchObject({ status: 'completed', stdout: 'done\n', exit_status: 0 });
  });

  it('times out with a 408 that is to be retried', async () => {
    const executionId = await start('sleep infinity');
    const answer = await post(`executions/${executionId}/wait_for_status`, {
      statuses: ['completed'],
      timeout_seconds: 0.05,
    });
    expect(answer).toMatchObject({ status: 408, json: { code: 'longPollTimeout', retryable: true } });
    // 408 is retried by every client; the real service says so all the same.
    expect(answer.headers.get('x-should-retry')).toBe('true');
    await post(`executions/${executionId}/kill`, '');
  });

  it.each([{ statuses: ['lost'] }, { statuses: [] }, {}])('refuses to wait for %j', async (body) => {
    const executionId = await start('true');
    expect((await post(`executions/${executionId}/wait_for_status`, body)).status).toBe(400);
  });

  it('answers 404 for an execution that is not there', async () => {
    expect((await get('nothing')).status).toBe(404);
    expect((await post('executions/nothing/kill', '')).status).toBe(404);
    expect((await post('executions/nothing/wait_for_status', { statuses: ['completed'] })).status).toBe(404);
    expect((await post('executions/nothing/send_std_in', { text: 'x' })).status).toBe(404);
    const stream = await server.caller.fetch(`/v1/devboxes/${id}/executions/nothing/stream_stdout_updates`);
    expect(stream.status).toBe(404);
  });
});

describe('execute_sync', () => {
  it('answers in the older form', async () => {
    const answer = await post('execute_sync', { command: 'echo a; echo b >&2; exit 3', shell_name: 'sh' });
    expect(answer.json).toEqual({ devbox_id: id, exit_status: 3, stdout: 'a\n', stderr: 'b\n', shell_name: 'sh' });
  });

  it('refuses stdin, and does not invent an exit status for a lost command', async () => {
    expect((await post('execute_sync', { command: 'cat', attach_stdin: true })).status).toBe(400);
    const box = await runningBox(server.caller);
    const pending = server.caller.call('POST', `/v1/devboxes/${box}/execute_sync`, { command: 'sleep infinity' });
    await new Promise((resolve) => setTimeout(resolve, 50));
    server.host.loseBox(box, 'out_of_memory', 'box died');
    const answer = await pending;
    expect(answer).toMatchObject({ status: 500, json: { code: 'executionLost', retryable: false } });
    expect(answer.headers.get('x-should-retry')).toBe('false');
    expect(answer.json.message).toContain('box died');
  });
});

describe('kill', () => {
  it('ends a running command with 128 + signal, and leaves an ended one as it is', async () => {
    const executionId = await start('sleep infinity');
    const killed = await post(`executions/${executionId}/kill`, { kill_process_group: true });
    expect(killed.json).toMatchObject({
      status: 'completed',
      exit_status: 137,
      end: { kind: 'killed', signal: 9, by: 'host' },
    });
    expect((await post(`executions/${executionId}/kill`, '')).json).toEqual(killed.json);
    const done = await execute(server.caller, id, 'exit 5');
    expect((await post(`executions/${done.execution_id}/kill`, '')).json).toMatchObject({ exit_status: 5 });
  });
});

describe('named shells', () => {
  it('keep directory and variables, and run one command after another', async () => {
    const shell_name = 'main';
    await execute(server.caller, id, 'cd /tmp; export COLOUR=green', { shell_name });
    const seen = await execute(server.caller, id, 'pwd; echo $COLOUR', { shell_name });
    expect(seen).toMatchObject({ stdout: '/tmp\ngreen\n', shell_name });
    expect((await execute(server.caller, id, 'pwd')).stdout).toBe('/home/user\n');
    const first = await start('sleep infinity', { shell_name });
    const second = await start('echo after', { shell_name });
    expect((await get(second)).json.status).toBe('queued');
    await post(`executions/${first}/kill`, '');
    const after = await post(`executions/${second}/wait_for_status`, { statuses: ['completed'] });
    expect(after.json).toMatchObject({ stdout: 'after\n', exit_status: 0 });
  });
});

describe('send_std_in', () => {
  const send = (executionId: string, body: unknown, headers?: Record<string, string>) =>
    post(`executions/${executionId}/send_std_in`, body, headers);

  it('writes in order until EOF ends the command', async () => {
    const executionId = await start('cat', { attach_stdin: true });
    expect((await send(executionId, { text: 'one\n' })).json).toEqual({
      devbox_id: id,
      execution_id: executionId,
      success: true,
    });
    await send(executionId, { text: 'zwei ✓\n' });
    expect((await get(executionId)).json.status).toBe('running');
    expect((await send(executionId, { signal: 'EOF' })).json.success).toBe(true);
    const ended = await post(`executions/${executionId}/wait_for_status`, { statuses: ['completed'] });
    expect(ended.json).toMatchObject({ exit_status: 0, stdout: 'one\nzwei ✓\n' });
    expect((await send(executionId, { text: 'late' })).json.success).toBe(false);
  });

  it('writes a repeated request once', async () => {
    const executionId = await start('cat', { attach_stdin: true });
    const key = { 'x-request-id': 'stainless-node-retry-stdin' };
    await Promise.all([send(executionId, { text: 'x' }, key), send(executionId, { text: 'x' }, key)]);
    await send(executionId, { signal: 'EOF' });
    const ended = await post(`executions/${executionId}/wait_for_status`, { statuses: ['completed'] });
    expect(ended.json.stdout).toBe('x');
  });

  it('refuses a command without stdin, and a body that says nothing', async () => {
    const executionId = await start('sleep infinity');
    expect(await send(executionId, { text: 'x' })).toMatchObject({ status: 400, json: { code: 'stdinNotAttached' } });
    expect((await send(executionId, {})).status).toBe(400);
    expect((await send(executionId, { text: '' })).status).toBe(400);
    expect((await send(executionId, { signal: 'HUP' })).status).toBe(400);
    expect((await send(executionId, { signal: 'INTERRUPT' })).json.success).toBe(true);
    const ended = await post(`executions/${executionId}/wait_for_status`, { statuses: ['completed'] });
    expect(ended.json.exit_status).toBe(130);
  });
});

describe('the hot path', () => {
  it('runs a command on a known box without a query', async () => {
    await execute(server.caller, id, 'true');
    const query = vi.spyOn(pg.Client.prototype, 'query');
    try {
      const executions = 50;
      for (let count = 0; count < executions; count++) {
        await execute(server.caller, id, 'true');
      }
      // The background looks at its deadlines now and then; a query for each execution would be as many as those.
      expect(query.mock.calls.length).toBeLessThan(executions / 2);
    } finally {
      query.mockRestore();
    }
  });
});
