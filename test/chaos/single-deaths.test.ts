import { kill } from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import type Runloop from '@runloop/api-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Refusal, refusal } from '../platform/answers.ts';
import { output } from '../platform/boxes.ts';
import { rawClient } from '../platform/clients.ts';
import { childrenOf, initOf } from '../platform/kernel.ts';
import { boxLeftovers } from '../platform/leaks.ts';
import { Platform } from '../platform/platform.ts';
import { until } from '../platform/process.ts';
import { follow } from '../platform/streams.ts';
import { persist } from './persist.ts';

const small = { launch_parameters: { resource_size_request: 'X_SMALL' } } as const;

describe('the death of one process', () => {
  let platform: Platform;
  let client: Runloop;
  const boxes: string[] = [];
  const createBox = async (): Promise<string> => {
    const { id } = await client.devboxes.createAndAwaitRunning(small);
    boxes.push(id);
    return id;
  };
  const status = async (id: string) => (await persist('get', () => client.devboxes.retrieve(id))).status;

  beforeAll(async () => {
    platform = await Platform.start();
    client = rawClient('http1', platform.address);
  });
  afterAll(async () => {
    await Promise.all(boxes.map((id) => persist('shutdown', () => client.devboxes.shutdown(id))));
    await until('nothing of the boxes is left', () => boxLeftovers(boxes).length === 0, 60_000);
    expect(await platform.stop()).toEqual([]);
  });

  it('the server, with the answer to a create: the same key gives the same box', async () => {
    const key = `lost-${crypto.randomUUID()}`;
    const first = client.devboxes.create({ ...small, name: key }, { idempotencyKey: key }).then(
      (box) => box.id,
      () => undefined,
    );
    await sleep(15);
    await platform.kill('server');
    const answered = await first;
    await platform.restart('server');
    const again = await client.devboxes.create({ ...small, name: key }, { idempotencyKey: key });
    boxes.push(again.id);
    expect(answered ?? again.id).toBe(again.id);
    const page = await client.devboxes.list({ name: key } as object);
    expect(page.devboxes.map((box) => box.id)).toEqual([again.id]);
    expect((await client.devboxes.awaitRunning(again.id)).status).toBe('running');
  });

  it('the server, with the answer to a command: the same command_id gives its result, once run', async () => {
    const id = await createBox();
    const command_id = crypto.randomUUID();
    const params = { command: 'echo run >> marks; sleep 1; echo result; exit 5', command_id };
    const first = client.devboxes.execute(id, params).then(
      () => 'answered',
      () => 'lost',
    );
    await sleep(300);
    await platform.kill('server');
    expect(await first).toBe('lost');
    await platform.restart('server');
    const view = await client.devboxes.execute(id, params);
    expect(view).toMatchObject({ status: 'completed', exit_status: 5, stdout: 'result\n' });
    expect(await output(client, id, 'cat marks')).toBe('run\n');
  });

  it('the host: boxes go on, no output is lost, and the exit code is the true one', async () => {
    const id = await createBox();
    const command = 'for i in {1..60}; do echo "tick $i"; sleep 0.05; done; exit 17';
    const { execution_id } = await client.devboxes.executeAsync(id, { command });
    await sleep(500);
    const init = initOf(id);
    await platform.kill('host');
    await sleep(4_000);
    expect(initOf(id)).toBe(init);
    await platform.restart('host');
    const expected = Array.from({ length: 60 }, (_, index) => `tick ${index + 1}\n`).join('');
    const view = await persist('wait', () =>
      client.devboxes.waitForCommand(id, execution_id, { statuses: ['completed'], last_n: '100' }),
    );
    expect(view).toMatchObject({ exit_status: 17, stdout: expected });
    expect((await follow(client, id, execution_id)).text).toBe(expected);
    expect(await status(id)).toBe('running');
  });

  it('the host: named shells keep their state', async () => {
    const id = await createBox();
    const inShell = (command: string) =>
      persist('shell', () =>
        client.devboxes.execute(id, { command, shell_name: 's', command_id: crypto.randomUUID() }),
      );
    await inShell('cd /tmp; export KEPT=1');
    await platform.kill('host');
    await platform.restart('host');
    expect(await inShell('echo $KEPT $PWD')).toMatchObject({ stdout: '1 /tmp\n' });
  });

  it('server and host and database at once: everything is there again', async () => {
    const id = await createBox();
    await client.devboxes.writeFileContents(id, { file_path: 'kept', contents: 'kept' });
    const done = await client.devboxes.execute(id, { command: 'seq 500; exit 3', command_id: crypto.randomUUID() });
    await Promise.all((['server', 'host', 'postgres'] as const).map((name) => platform.kill(name)));
    for (const name of ['postgres', 'host', 'server'] as const) {
      await platform.restart(name);
    }
    expect(await status(id)).toBe('running');
    const again = await persist('retrieve', () => client.devboxes.executions.retrieve(id, done.execution_id));
    expect(again).toEqual(done);
    expect((await follow(client, id, done.execution_id)).text).toBe(
      Array.from({ length: 500 }, (_, n) => `${n + 1}\n`).join(''),
    );
    expect(await output(client, id, 'cat kept')).toBe('kept');
  });

  it('the helper: it is back by itself, old boxes go on and new ones start', async () => {
    const id = await createBox();
    const host = platform.process('host').pid;
    const helper = () => childrenOf(host).find((child) => child.command.includes('helper'))?.pid;
    const before = helper();
    expect(before).toBeDefined();
    kill(before ?? 0, 'SIGKILL');
    await until('the helper is back', () => helper() !== undefined && helper() !== before, 10_000);
    expect(await output(client, id, 'echo old')).toBe('old\n');
    expect(await output(client, await createBox(), 'echo new')).toBe('new\n');
  });

  it('the database: the server comes back to it without a restart', async () => {
    const id = await createBox();
    const pid = platform.process('server').pid;
    await platform.kill('postgres');
    // What it knows it may say until its connections have ended.
    let answer: Refusal | undefined;
    const isRefused = async () => {
      answer = await refusal(client.devboxes.retrieve(id)).catch(() => undefined);
      return answer !== undefined;
    };
    await until('a call is refused', isRefused, 30_000);
    expect(answer?.status).toBeGreaterThanOrEqual(500);
    expect(answer?.shouldRetry).not.toBe('false');
    await platform.restart('postgres');
    expect(await status(id)).toBe('running');
    expect(await persist('output', () => output(client, id, 'echo back'))).toBe('back\n');
    expect(platform.process('server')).toMatchObject({ pid, running: true });
  });

  it('the guest: the box fails with its cause, its running commands get no exit code, and it can be deleted', async () => {
    const id = await createBox();
    const done = await client.devboxes.execute(id, { command: 'echo before; exit 4', command_id: crypto.randomUUID() });
    const { execution_id } = await client.devboxes.executeAsync(id, { command: 'echo begun; sleep 600' });
    await until(
      'the command has begun',
      async () => (await client.devboxes.executions.retrieve(id, execution_id)).stdout === 'begun\n',
      10_000,
    );
    kill(initOf(id) ?? Number.NaN, 'SIGKILL');
    await until('the failure is reported', async () => (await status(id)) === 'failure', 15_000);
    const view = await client.devboxes.retrieve(id);
    expect(view.failure_reason).toMatch(/^(health_check_failed|execution_failed)$/);
    expect(view.state_transitions.at(-1)?.failure_reason).toMatch(/\S/);
    const lost = await client.devboxes.executions
      .retrieve(id, execution_id)
      .catch((error: { status?: number }) => error);
    expect('exit_status' in lost ? (lost.exit_status ?? null) : null).toBeNull();
    expect(await client.devboxes.executions.retrieve(id, done.execution_id)).toMatchObject({
      exit_status: 4,
      stdout: 'before\n',
    });
    expect((await client.devboxes.shutdown(id)).status).toBe('shutdown');
  });

  it('the guest while the host is dead: the next host finds out', async () => {
    const id = await createBox();
    const init = initOf(id);
    await platform.kill('host');
    kill(init ?? 0, 'SIGKILL');
    await platform.restart('host');
    await until('the failure is reported', async () => (await status(id)) === 'failure', 20_000);
  });

  it('the host before a shutdown: the shutdown counts, and is carried out by the next host', async () => {
    const id = await createBox();
    await platform.kill('host');
    const answer = await persist('shutdown', () => client.devboxes.shutdown(id));
    expect(answer.status).toBe('shutdown');
    await platform.restart('host');
    await until('nothing of it is left', () => boxLeftovers([id]).length === 0, 30_000);
    expect(await status(id)).toBe('shutdown');
  });

  it('the host in the middle of a create: the box runs or fails with a reason, and leaves nothing when deleted', async () => {
    for (const pauseMs of [5, 30, 60, 120]) {
      const { id } = await persist('create', () => client.devboxes.create(small));
      boxes.push(id);
      await sleep(pauseMs);
      await platform.kill('host');
      await platform.restart('host');
      await until(`${id} is decided`, async () => ['running', 'failure'].includes(await status(id)), 60_000);
      expect([pauseMs, await status(id)]).toEqual([pauseMs, 'running']);
    }
  });
});
