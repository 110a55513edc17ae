import { FakeHost } from '@berth/host/fake';
import Runloop, { APIError, NotFoundError, RunloopSDK, toFile } from '@runloop/api-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DevboxServer, startDevboxServer } from './kit.ts';

let server: DevboxServer;
beforeAll(async () => {
  server = await startDevboxServer({ host: new FakeHost() });
});
afterAll(() => server.close());

describe.each([
  ['HTTP/2 with prior knowledge', undefined],
  ['HTTP/1.1', false],
] as const)('@runloop/api-client over %s', (_title, http2) => {
  const options = () => ({
    baseURL: server.baseUrl,
    bearerToken: server.caller.key,
    ...(http2 === undefined ? {} : { http2 }),
  });
  const client = () => new Runloop(options());

  it('lives through a whole box', async () => {
    const runloop = client();
    const box = await runloop.devboxes.createAndAwaitRunning({ name: 'official', metadata: { a: 'b' } });
    expect(box.status).toBe('running');
    const done = await runloop.devboxes.executeAndAwaitCompletion(box.id, { command: 'echo hello; exit 3' });
    expect(done).toMatchObject({ status: 'completed', stdout: 'hello\n', exit_status: 3 });
    const three = await runloop.devboxes.executeAndAwaitCompletion(box.id, { command: 'seq 100', last_n: '3' });
    expect(three.stdout).toBe('98\n99\n100\n');

    await runloop.devboxes.writeFileContents(box.id, { file_path: 'x.txt', contents: 'é✓' });
    expect(await runloop.devboxes.readFileContents(box.id, { file_path: 'x.txt' })).toBe('é✓');
    const bytes = Buffer.from([0, 255, 13, 10, 0]);
    expect(
      await runloop.devboxes.uploadFile(box.id, { path: 'b.bin', file: await toFile(bytes, 'b.bin') }),
    ).toBeDefined();
    const loaded = await runloop.devboxes.downloadFile(box.id, { path: 'b.bin' });
    expect(Buffer.from(await loaded.arrayBuffer())).toEqual(bytes);

    expect(await runloop.devboxes.keepAlive(box.id)).toBeDefined();
    expect((await runloop.devboxes.update(box.id, { name: 'renamed' })).metadata).toEqual({ a: 'b' });
    const logs = await runloop.devboxes.logs.list(box.id);
    expect(logs.logs.length).toBeGreaterThan(0);
    const listed = await runloop.devboxes.list({ status: 'running', limit: 10 });
    expect(listed.devboxes.map((each) => each.id)).toContain(box.id);
    expect((await runloop.devboxes.retrieveResourceUsage(box.id)).vcpu_seconds).toBeGreaterThanOrEqual(0);
    expect((await runloop.devboxes.shutdown(box.id)).status).toBe('shutdown');
    expect((await runloop.devboxes.retrieve(box.id)).status).toBe('shutdown');
    expect((await runloop.devboxes.shutdown(box.id)).status).toBe('shutdown');
  });

  it('pages by itself', async () => {
    const runloop = client();
    for (let count = 0; count < 5; count++) {
      await runloop.devboxes.create({ name: `page-${http2}-${count}` });
    }
    const names: Array<string | null | undefined> = [];
    const ids = new Set<string>();
    for await (const box of runloop.devboxes.list({ limit: 2 })) {
      names.push(box.name);
      ids.add(box.id);
    }
    expect(names.filter((name) => name?.startsWith(`page-${http2}-`))).toHaveLength(5);
    expect(ids.size).toBe(names.length);
  });

  it('shows errors as its own classes, at once', async () => {
    const runloop = client();
    await expect(runloop.devboxes.retrieve('dbx_000000000000000000000')).rejects.toBeInstanceOf(NotFoundError);
    const unknown = await runloop.devboxes.retrieve('dbx_nonexistent12345').catch((error: unknown) => error);
    expect(unknown).toBeInstanceOf(APIError);
    expect((unknown as APIError).status).toBe(400);
    const later = await runloop.devboxes.create({ snapshot_id: 'snp_x' }).catch((error: unknown) => error);
    expect((later as APIError).status).toBe(400);
  });

  it('follows output while it comes, through the object-oriented layer', async () => {
    const sdk = new RunloopSDK(options());
    const box = await sdk.devbox.create({ name: 'streams' });
    const pieces: string[] = [];
    const errors: string[] = [];
    const result = await box.cmd.exec('echo one; sleep 0.05; echo two; echo bad >&2; seq 300', {
      stdout: (piece) => pieces.push(piece),
      stderr: (piece) => errors.push(piece),
    });
    expect(result.exitCode).toBe(0);
    expect(await result.stdout()).toBe(pieces.join(''));
    expect(pieces.join('').startsWith('one\ntwo\n1\n2\n')).toBe(true);
    expect(errors.join('')).toBe('bad\n');
    expect(await result.stdout(2)).toBe('299\n300');

    const running = await box.cmd.execAsync('sleep infinity');
    await running.kill();
    const ended = await running.result();
    expect(ended.exitCode).toBe(137);
    await box.shutdown();
  });

  it('passes stdin and secrets', async () => {
    const runloop = client();
    const name = `client-secret-${String(http2)}`;
    await runloop.secrets.create({ name, value: 'hush' });
    const box = await runloop.devboxes.createAndAwaitRunning({ secrets: { HUSH: name } });
    const started = await runloop.devboxes.executions.executeAsync(box.id, {
      command: 'cat; echo $HUSH',
      attach_stdin: true,
    });
    await runloop.devboxes.executions.sendStdIn(box.id, started.execution_id, { text: 'in\n' });
    // With `signal` alone, this client takes the body for request options and sends nothing.
    await runloop.devboxes.executions.sendStdIn(box.id, started.execution_id, { signal: 'EOF', text: null });
    const ended = await runloop.devboxes.executions.awaitCompleted(box.id, started.execution_id);
    expect(ended).toMatchObject({ stdout: 'in\nhush\n', exit_status: 0 });
  });
});
