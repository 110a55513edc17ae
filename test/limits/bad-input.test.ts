import { describe, expect, it } from 'vitest';
import { refusal } from '../platform/answers.ts';
import { output, run, useBox } from '../platform/boxes.ts';
import { rawClient, request, shared } from '../platform/clients.ts';
import { openRequest } from '../platform/wire.ts';

describe('names and paths beyond measure', () => {
  const box = useBox();
  const long = 'x'.repeat(100_000);

  it.each([
    ['a name', { name: long }],
    ['a metadata key', { metadata: { [long]: 'v' } }],
    ['an environment name that is none', { environment_variables: { 'A=B': 'v' } }],
    ['an environment value with a zero byte', { environment_variables: { A: 'a\0b' } }],
    ['an empty environment name', { environment_variables: { '': 'v' } }],
    ['a file mount outside any directory', { file_mounts: { '': 'v' } }],
    [
      'far too many launch commands',
      { launch_parameters: { launch_commands: Array.from({ length: 20_000 }, () => 'true') } },
    ],
  ])('%s is refused with 400', async (_what, params) => {
    expect((await refusal(rawClient().devboxes.create(params))).status).toBe(400);
  });

  it('a shell name beyond measure, or with odd characters, hurts nobody', async () => {
    for (const shell_name of [long, '../../x', 'a b;$(reboot)', 'ü', 'x\ny']) {
      const body = JSON.stringify({ command: 'echo ok', shell_name });
      const answer = await request(`/v1/devboxes/${box.id}/execute`, { method: 'POST', body });
      expect([200, 400]).toContain(answer.status);
      if (answer.status === 200) {
        expect(((await answer.json()) as { stdout: string }).stdout).toBe('ok\n');
      }
    }
    expect(await output(box.client, box.id, 'echo alive')).toBe('alive\n');
  });

  it('ids that are paths, queries or injections are not found', async () => {
    for (const id of ['..%2f..%2fetc', '%00', "dbx_'; DROP TABLE devboxes;--", `dbx_${'x'.repeat(5_000)}`, '%ff%fe']) {
      const { status } = await request(`/v1/devboxes/${encodeURI(decodeURIComponentSafely(id))}`);
      expect([id.slice(0, 20), status === 400 || status === 404 || status === 414]).toEqual([id.slice(0, 20), true]);
    }
  });

  it('headers beyond measure are refused', async () => {
    const socket = await openRequest(shared(), 'GET', '/v1/devboxes', { 'x-long': 'y'.repeat(200_000) });
    const answer = await new Promise<string>((resolve) => {
      socket.once('data', (data) => resolve(data.toString('latin1')));
      socket.once('close', () => resolve('closed'));
    });
    socket.destroy();
    expect(answer).toMatch(/^HTTP\/1\.1 4\d\d|^closed/);
  });

  it('a body that is too large is 413 or 400, with a message', async () => {
    const body = JSON.stringify({ command: 'x'.repeat(200 * 1024 * 1024) });
    const answer = await request(`/v1/devboxes/${box.id}/execute`, { method: 'POST', body }).then(
      (one) => one.status,
      // The server may answer and hang up while the body is still being sent.
      () => 413,
    );
    expect([400, 413]).toContain(answer);
    expect(await output(box.client, box.id, 'echo alive')).toBe('alive\n');
  });

  it('deeply nested JSON is refused without a crash', async () => {
    const body = `${'['.repeat(200_000)}${']'.repeat(200_000)}`;
    expect((await request('/v1/devboxes', { method: 'POST', body })).status).toBe(400);
    expect((await request('/healthz', { key: null })).status).toBe(200);
  });
});

describe('paths through symbolic links in the box', () => {
  const box = useBox();

  it('lead no further than the user may go', async () => {
    await output(
      box.client,
      box.id,
      'ln -s /etc/shadow s; ln -s /root r; ln -s / top; ln -s loop loop; ln -s /proc/1/root p1',
    );
    for (const file_path of ['s', 'r/secret', 'top/etc/shadow', 'loop', '../../../../etc/shadow', 'p1/etc/shadow']) {
      const read = await refusal(box.client.devboxes.readFileContents(box.id, { file_path }));
      const write = await refusal(box.client.devboxes.writeFileContents(box.id, { file_path, contents: 'x' }));
      expect([file_path, read.status, write.status]).toEqual([file_path, 400, 400]);
    }
  });

  it('never lead out of the box: .. above the root is the root', async () => {
    await box.client.devboxes.writeFileContents(box.id, { file_path: '/../../../tmp/inside', contents: 'inside' });
    expect(await output(box.client, box.id, 'cat /tmp/inside')).toBe('inside');
    const inside = await box.client.devboxes.readFileContents(box.id, { file_path: '/../../../../etc/hostname' });
    expect(inside).toBe(await output(box.client, box.id, 'cat /etc/hostname'));
  });

  it('hold against a link that is swapped while files are written', { timeout: 60_000 }, async () => {
    const swapper = 'while :; do ln -sfn /etc race; ln -sfn /tmp race; done';
    const { execution_id } = await box.client.devboxes.executeAsync(box.id, { command: swapper });
    const writes = Array.from({ length: 100 }, (_, index) =>
      box.client.devboxes
        .writeFileContents(box.id, { file_path: `race/written-${index}`, contents: 'x' })
        .then(() => 200)
        .catch((error: { status?: number }) => error.status ?? 0),
    );
    const statuses = await Promise.all(writes);
    await box.client.devboxes.executions.kill(box.id, execution_id, { kill_process_group: true });
    expect(statuses.every((status) => status === 200 || status === 400)).toBe(true);
    expect(await output(box.client, box.id, 'ls /etc | grep -c written- || true')).toBe('0\n');
    expect((await run(box.client, box.id, 'ls /tmp | grep -vc written-')).status).toBe('completed');
  });
});

/** Leaves a text that is no percent-encoding as it is. */
function decodeURIComponentSafely(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
