import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { unknownId } from '../../platform/answers.ts';
import { output, run, useBox } from '../../platform/boxes.ts';
import { request, sdkClient, transports } from '../../platform/clients.ts';
import { follow } from '../../platform/streams.ts';

describe.each(transports)('output of executions over %s (API §4.1, §4.4)', (transport) => {
  const box = useBox(transport);

  it('keeps the last n lines and says whether there were more', async () => {
    const command = 'for i in {1..10}; do echo "line $i"; done; echo one >&2';
    const three = await box.client.devboxes.execute(box.id, { command, command_id: crypto.randomUUID(), last_n: '3' });
    expect(three).toMatchObject({ stdout: 'line 8\nline 9\nline 10\n', stdout_truncated: true });
    expect(three).toMatchObject({ stderr: 'one\n', stderr_truncated: false });
    const ten = await box.client.devboxes.executions.retrieve(box.id, three.execution_id, { last_n: '10' });
    expect(ten.stdout?.split('\n')).toHaveLength(11);
    expect(ten.stdout_truncated).toBe(false);
    const nine = await box.client.devboxes.executions.retrieve(box.id, three.execution_id, { last_n: '9' });
    expect(nine).toMatchObject({ stdout_truncated: true, stdout: expect.stringMatching(/^line 2\n/) });
  });

  it('keeps 100 lines when not told', async () => {
    const view = await box.client.devboxes.execute(box.id, { command: 'seq 1000', command_id: crypto.randomUUID() });
    expect(view.stdout_truncated).toBe(true);
    expect(view.stdout).toBe(Array.from({ length: 100 }, (_, index) => `${901 + index}\n`).join(''));
  });

  it.each(['0', '10000', '-1', 'all'])('refuses last_n=%s or bounds it', async (lastLines) => {
    const body = JSON.stringify({ command: 'seq 3' });
    const answer = await request(`/v1/devboxes/${box.id}/execute?last_n=${lastLines}`, { method: 'POST', body });
    expect([200, 400]).toContain(answer.status);
  });

  it.each([
    ['nothing at all', ''],
    ['no final newline', 'end'],
    ['only newlines', '\n\n\n'],
    ['carriage returns and tabs', 'a\r\nb\tc\r'],
    ['spaces at the ends', '  x  \n '],
    ['every kind of character', 'ü € 𝄞 👩‍👩‍👧 \u0000\u0001\u001b[31m \u2028 data: x\n\nevent: error\n: ping\n'],
  ])('is exact for %s', async (_what, text) => {
    const command = `printf %s ${Buffer.from(text).toString('base64') || "''"} | base64 -d`;
    const view = await run(box.client, box.id, command);
    expect(view.stdout).toBe(text);
    expect((await follow(box.client, box.id, view.execution_id)).text).toBe(text);
  });

  it('gives the SDK 2,000 lines exactly as it streams them', async () => {
    const devbox = sdkClient(transport).devbox.fromId(box.id);
    const chunks: string[] = [];
    const result = await devbox.cmd.exec('for i in {1..2000}; do echo "line $i ü"; done', {
      stdout: (text) => chunks.push(text),
    });
    const expected = Array.from({ length: 2000 }, (_, index) => `line ${index + 1} ü\n`).join('');
    expect(chunks.join('')).toBe(expected);
    expect(await result.stdout()).toBe(expected);
    expect(await result.stdout(3)).toBe('line 1998 ü\nline 1999 ü\nline 2000 ü');
  });

  it('never splits a character between chunks', async () => {
    const command =
      'for i in 1 2 3 4 5 6; do printf "\\xf0"; sleep 0.1; printf "\\x9d\\x84"; sleep 0.1; printf "\\x9e"; done';
    const { execution_id } = await box.client.devboxes.executeAsync(box.id, { command });
    const streamed = await follow(box.client, box.id, execution_id);
    expect(streamed.text).toBe('𝄞'.repeat(6));
    expect(streamed.chunks.join('')).not.toContain('\ufffd');
  });

  it('gives each chunk the byte position after it, and resumes from any of them', async () => {
    const view = await run(box.client, box.id, 'for i in {1..300}; do echo "zeile $i äöü"; done');
    const whole = await follow(box.client, box.id, view.execution_id);
    const bytes = Buffer.from(whole.text);
    expect(whole.offsets.at(-1)).toBe(bytes.length);
    for (const offset of [0, 1, 7, Math.floor(bytes.length / 2), bytes.length - 1, bytes.length]) {
      // Only positions between characters can be compared as text.
      const at =
        bytes.subarray(0, offset).toString() === whole.text.slice(0, bytes.subarray(0, offset).toString().length)
          ? offset
          : 0;
      const rest = await follow(box.client, box.id, view.execution_id, { offset: at });
      expect(rest.text).toBe(bytes.subarray(at).toString());
    }
  });

  it('replays the same after completion, as often as asked, both streams apart', async () => {
    const view = await run(box.client, box.id, 'for i in 1 2 3; do echo o$i; echo e$i >&2; done');
    const replays = await Promise.all([1, 2, 3].map(() => follow(box.client, box.id, view.execution_id)));
    expect(replays.map((one) => one.text)).toEqual(Array.from({ length: 3 }, () => 'o1\no2\no3\n'));
    expect((await follow(box.client, box.id, view.execution_id, { stream: 'stderr' })).text).toBe('e1\ne2\ne3\n');
  });

  it('streams while the command runs', async () => {
    const command = 'for i in 1 2 3; do echo "tick $i"; sleep 0.5; done';
    const { execution_id } = await box.client.devboxes.executeAsync(box.id, { command });
    const statuses: string[] = [];
    const stream = await box.client.devboxes.executions.streamStdoutUpdates(box.id, execution_id, {});
    for await (const chunk of stream) {
      statuses.push(`${chunk.output}${(await box.client.devboxes.executions.retrieve(box.id, execution_id)).status}`);
    }
    expect(statuses[0]).toBe('tick 1\nrunning');
    expect(statuses.length).toBeGreaterThanOrEqual(2);
  });

  it('calls back for stdout, stderr and both, of three executions at once', async () => {
    const devbox = sdkClient(transport).devbox.fromId(box.id);
    const runs = await Promise.all(
      ['a', 'b', 'c'].map(async (name) => {
        const seen = { stdout: '', stderr: '', both: '' };
        const execution = await devbox.cmd.execAsync(
          `for i in 1 2 3; do echo ${name}$i; echo ${name.toUpperCase()}$i >&2; sleep 0.2; done`,
          {
            stdout: (text) => (seen.stdout += text),
            stderr: (text) => (seen.stderr += text),
            output: (text) => (seen.both += text),
          },
        );
        const result = await execution.result();
        return { name, seen, exitCode: result.exitCode, stdout: await result.stdout() };
      }),
    );
    for (const { name, seen, exitCode, stdout } of runs) {
      const expected = [1, 2, 3].map((index) => `${name}${index}\n`).join('');
      expect({ exitCode, stdout: seen.stdout, whole: stdout }).toEqual({
        exitCode: 0,
        stdout: expected,
        whole: expected,
      });
      expect(seen.stderr).toBe(expected.toUpperCase());
      expect(seen.both).toHaveLength(expected.length * 2);
    }
  });

  it('is exact for some megabytes that look like anything', async () => {
    const command =
      'python3 -c "import random,sys;r=random.Random(7);sys.stdout.buffer.write(bytes(r.choices(range(32,127),k=3000000)))"';
    const view = await run(box.client, box.id, `${command} | tee copy`);
    const streamed = await follow(box.client, box.id, view.execution_id);
    const sum = createHash('sha256').update(streamed.text).digest('hex');
    expect(`${sum}\n`).toBe(await output(box.client, box.id, 'sha256sum copy | cut -d" " -f1'));
    expect(view.stdout === streamed.text || view.stdout_truncated === true).toBe(true);
  });
});

describe('the wire of an output stream (API §2.6, §1.3)', () => {
  const box = useBox();

  it('sends its headers before the first byte of output', async () => {
    const { execution_id } = await box.client.devboxes.executeAsync(box.id, { command: 'sleep 60' });
    const abort = new AbortController();
    const path = `/v1/devboxes/${box.id}/executions/${execution_id}/stream_stdout_updates?offset=0`;
    const answer = await request(path, { signal: abort.signal });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toMatch(/^text\/event-stream/);
    abort.abort();
    expect((await box.client.devboxes.executions.retrieve(box.id, execution_id)).status).toBe('running');
    await box.client.devboxes.executions.kill(box.id, execution_id);
  });

  it('answers 404 at once for executions and boxes of nobody', async () => {
    for (const id of [box.id, unknownId('dbx')]) {
      const path = `/v1/devboxes/${id}/executions/${crypto.randomUUID()}/stream_stdout_updates?offset=0`;
      expect((await request(path)).status).toBe(404);
    }
  });

  it('ends at once for an offset beyond a finished output', async () => {
    const { execution_id } = await box.client.devboxes.execute(box.id, { command: 'echo x' });
    const beyond = await follow(box.client, box.id, execution_id, { offset: 1_000_000 }).catch(() => undefined);
    expect(beyond?.text ?? '').toBe('');
  });

  it('refuses offsets that are none', async () => {
    const { execution_id } = await box.client.devboxes.execute(box.id, { command: 'echo x' });
    for (const offset of ['-1', 'x', '1.5']) {
      const path = `/v1/devboxes/${box.id}/executions/${execution_id}/stream_stdout_updates?offset=${offset}`;
      expect([offset, (await request(path)).status]).toEqual([offset, 400]);
    }
  });
});
