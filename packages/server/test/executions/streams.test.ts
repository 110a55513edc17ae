import { once } from 'node:events';
import { connect } from 'node:net';
import { type FakeCommandContext, FakeHost } from '@berth/host/fake';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DevboxServer, eventually, runningBox, startDevboxServer } from '../devboxes/kit.ts';

const piece = Buffer.alloc(256 * 1024, 'y');
const pieces = 1024;
let produced = 0;

/** `say` writes its words one after another; all else waits to be killed. */
const handler = async (context: FakeCommandContext): Promise<number> => {
  const [name, ...words] = context.command.split(' ');
  if (name === 'say') {
    for (const word of words) {
      context.stdout(Buffer.from(word));
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  } else {
    await once(context.signal, 'abort');
  }
  return 0;
};

/** A host whose standard error is 256 MiB, made as it is read. */
class FloodingHost extends FakeHost {
  override async *output(...[boxId, executionId, stream, offset, signal]: Parameters<FakeHost['output']>) {
    if (stream === 'stdout') {
      yield* super.output(boxId, executionId, stream, offset, signal);
      return;
    }
    for (let at = offset; at < pieces * piece.length && signal?.aborted !== true; at += piece.length) {
      produced += 1;
      yield { bytes: piece, offset: at + piece.length };
    }
  }
}

let server: DevboxServer;
let id: string;
beforeAll(async () => {
  server = await startDevboxServer({ host: new FloodingHost({ handler }) });
  id = await runningBox(server.caller);
});
afterAll(() => server.close());

const start = async (command: string): Promise<string> =>
  (await server.caller.call('POST', `/v1/devboxes/${id}/execute_async`, { command })).json.execution_id;
const streamPath = (executionId: string, query = '') =>
  `/v1/devboxes/${id}/executions/${executionId}/stream_stdout_updates${query}`;

const events = async (path: string): Promise<Array<{ output: string; offset: number }>> => {
  const answer = await server.caller.fetch(path, { headers: { accept: 'text/event-stream' } });
  expect(answer.status).toBe(200);
  expect(answer.headers.get('content-type')).toContain('text/event-stream');
  return (await answer.text())
    .split('\n\n')
    .filter((event) => event.startsWith('data: '))
    .map((event) => JSON.parse(event.slice(6)));
};

describe('output streams', () => {
  it('bring all output as it comes, and end with the command', async () => {
    const executionId = await start('say eins zwei ✓drei');
    const seen = await events(streamPath(executionId, '?offset=0'));
    expect(seen.map((event) => event.output).join('')).toBe('einszwei✓drei');
    expect(seen.at(-1)?.offset).toBe(Buffer.byteLength('einszwei✓drei'));
  });

  it('replay everything after the end, from any offset on, repeating nothing', async () => {
    const executionId = await start('say eins zwei drei');
    const whole = await events(streamPath(executionId));
    for (const { offset } of whole) {
      const rest = await events(streamPath(executionId, `?offset=${offset}`));
      expect(rest.map((event) => event.output).join('')).toBe('einszweidrei'.slice(offset));
    }
    expect(await events(streamPath(executionId, '?offset=999999'))).toEqual([]);
  });

  it.each(['x', '-1', '1.5'])('refuse the offset %j', async (offset) => {
    const executionId = await start('say x');
    expect((await server.caller.fetch(streamPath(executionId, `?offset=${offset}`))).status).toBe(400);
  });

  it('send their head before there is output', async () => {
    const executionId = await start('wait');
    const answer = await server.caller.fetch(streamPath(executionId));
    expect(answer.status).toBe(200);
    await server.host.kill(id, executionId);
    expect(await answer.text()).toBe('');
  });

  it('wait for a reader that does not read, without taking more from the host', async () => {
    const executionId = await start('wait');
    const socket = connect(server.port, '127.0.0.1');
    await once(socket, 'connect');
    socket.pause();
    const path = streamPath(executionId).replace('stdout', 'stderr');
    socket.write(`GET ${path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${server.caller.key}\r\n\r\n`);
    let quietRounds = 0;
    for (let last = 0; quietRounds < 20; last = produced) {
      await new Promise((resolve) => setTimeout(resolve, 10));
      quietRounds = produced > 0 && produced === last ? quietRounds + 1 : 0;
    }
    expect(produced).toBeLessThan(pieces / 4);
    const stoppedAt = produced;
    socket.resume();
    await eventually(() => produced > stoppedAt);
    socket.destroy();
    await server.host.kill(id, executionId);
  });

  it('leave no waiter behind when the client goes', async () => {
    const executionId = await start('wait');
    const gone = new AbortController();
    await server.caller.fetch(streamPath(executionId), { signal: gone.signal });
    gone.abort();
    await server.host.kill(id, executionId);
    const { json } = await server.caller.call('GET', `/v1/devboxes/${id}/executions/${executionId}`);
    expect(json.status).toBe('completed');
  });
});

describe('log tail and evictions', () => {
  it('shows what was and what comes, and ends with the box', async () => {
    const box = await runningBox(server.caller);
    const run = (command: string) => server.caller.call('POST', `/v1/devboxes/${box}/execute`, { command });
    await run('say before');
    const answer = await server.caller.fetch(`/v1/devboxes/${box}/logs/tail`);
    const text = answer.text();
    await run('say during');
    await server.caller.call('POST', `/v1/devboxes/${box}/shutdown`, '');
    const seen = (await text)
      .split('\n\n')
      .flatMap((event) => (event.startsWith('data: ') ? [JSON.parse(event.slice(6))] : []));
    expect(seen.flatMap((entry) => entry.cmd ?? [])).toEqual(['say before', 'say during']);
    const list = await server.caller.call('GET', `/v1/devboxes/${box}/logs`);
    expect(seen).toEqual(list.json.logs);
    const again = await server.caller.fetch(`/v1/devboxes/${box}/logs/tail`);
    expect((await again.text()).split('\n\n').filter((event) => event.startsWith('data: '))).toHaveLength(seen.length);
  });

  it('keeps the watch for evictions open', async () => {
    const leave = new AbortController();
    const answer = await server.caller.fetch('/v1/devboxes/evictions/watch', { signal: leave.signal });
    expect(answer.headers.get('content-type')).toContain('text/event-stream');
    const first = answer.body?.getReader().read();
    const pause = new Promise((resolve) => setTimeout(resolve, 50, 'open'));
    expect(await Promise.race([first, pause])).toBe('open');
    leave.abort();
    await expect(first).rejects.toThrow();
  });
});

describe('usage', () => {
  it('tells what a running box takes now, and nothing once it has ended', async () => {
    const box = await runningBox(server.caller, { launch_parameters: { resource_size_request: 'SMALL' } });
    const path = '/tmp/file';
    await server.caller.call('POST', `/v1/devboxes/${box}/write_file_contents`, {
      file_path: path,
      contents: 'x'.repeat(1_000),
    });
    const usage = async () => (await server.caller.call('GET', `/v1/devboxes/${box}/usage`)).json;
    const { now } = await usage();
    expect(now).toMatchObject({ processes: 1, memory_limit_bytes: 2 * 2 ** 30, disk_limit_bytes: 4 * 2 ** 30 });
    expect(now.disk_used_bytes).toBeGreaterThanOrEqual(1_000);
    expect(now.memory_used_bytes).toBeGreaterThan(0);
    await server.caller.call('POST', `/v1/devboxes/${box}/shutdown`, '');
    expect((await usage()).now).toBeNull();
  });

  it('counts active and elapsed time by the size', async () => {
    const box = await runningBox(server.caller, { launch_parameters: { resource_size_request: 'MEDIUM' } });
    await server.caller.call('POST', `/v1/devboxes/${box}/shutdown`, '');
    const { json } = await server.caller.call('GET', `/v1/devboxes/${box}/usage`);
    expect(json).toMatchObject({ id: box, status: 'shutdown', end_time_ms: expect.any(Number) });
    expect(json.total_elapsed_seconds).toBe((json.end_time_ms - json.start_time_ms) / 1000);
    expect(json.total_active_seconds).toBeLessThanOrEqual(json.total_elapsed_seconds);
    expect(json.vcpu_seconds).toBeCloseTo(json.total_active_seconds * 2, 6);
    expect(json.memory_gb_seconds).toBeCloseTo(json.total_active_seconds * 4, 6);
    expect(json.disk_gb_seconds).toBeCloseTo(json.total_elapsed_seconds * 8, 6);
  });
});
