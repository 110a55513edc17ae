import { HostError, type SnapshotState } from '@berth/host/contract';
import { FakeHost } from '@berth/host/fake';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DevboxServer, eventually, execute, runningBox, startDevboxServer, waitFor } from '../devboxes/kit.ts';

const failures: HostError[] = [];

class RefusingHost extends FakeHost {
  override async snapshot(box: string, id: string, options: { readonly memory: boolean }): Promise<SnapshotState> {
    const failure = failures.shift();
    if (failure !== undefined) {
      throw failure;
    }
    return super.snapshot(box, id, options);
  }
}

let server: DevboxServer;
beforeAll(async () => {
  server = await startDevboxServer({ host: new RefusingHost({ isolations: ['container', 'gvisor'] }) });
});
afterAll(() => server.close());

const post = (id: string, verb: string, body: unknown = '', headers?: Record<string, string>) =>
  server.caller.call('POST', `/v1/devboxes/${id}/${verb}`, body, headers);
const gvisor = (more: Record<string, unknown> = {}) => ({ isolation: 'gvisor', ...more });
const fork = async (id: string, wish: unknown = '') => {
  const { status, json } = await post(id, 'fork', wish);
  expect(status).toBe(200);
  const ids: string[] = json.devboxes.map((box: { id: string }) => box.id);
  await Promise.all(ids.map((each) => waitFor(server.caller, each, 'running', 'failure', 'shutdown')));
  return ids;
};
const commands = async (id: string): Promise<string[]> => {
  const { json } = await server.caller.call('GET', `/v1/devboxes/${id}/logs`);
  return json.logs.flatMap((entry: { cmd?: string }) => entry.cmd ?? []);
};
const view = async (id: string) => (await server.caller.call('GET', `/v1/devboxes/${id}`)).json;
const noSnapshotIsLeft = () => eventually(async () => (await server.host.snapshots()).length === 0);

describe('a live fork', () => {
  it('answers at once with new boxes that say whose forks they are', async () => {
    const source = await runningBox(server.caller, { name: 'source', metadata: { team: 'red' } });
    const { json } = await post(source, 'fork', { count: 3, name: 'try' });
    expect(json.devboxes).toHaveLength(3);
    for (const [index, box] of json.devboxes.entries()) {
      expect(box).toMatchObject({
        id: expect.stringMatching(/^dbx_/),
        status: 'provisioning',
        name: `try-${index + 1}`,
        metadata: { team: 'red' },
        forked_from: source,
        snapshot_id: null,
      });
      expect(box).not.toHaveProperty('source_pause_ms');
      // What the fake host says that its boxes stand still for.
      expect(await waitFor(server.caller, box.id, 'running', 'failure')).toMatchObject({
        status: 'running',
        source_pause_ms: 1,
      });
    }
    await noSnapshotIsLeft();
    const lists = await server.caller.call('GET', '/v1/devboxes/disk_snapshots');
    expect(lists.json.snapshots).toEqual([]);
    expect((await view(source)).status).toBe('running');
    expect(await view(source)).not.toHaveProperty('forked_from');
    expect(await view(source)).not.toHaveProperty('source_pause_ms');
  });

  it('copies the disk; from then on each goes its own way', async () => {
    const source = await runningBox(server.caller);
    await execute(server.caller, source, 'echo common > /tmp/file');
    const [one = '', two = ''] = await fork(source, { count: 2, metadata: { lane: 'own' } });
    expect((await view(one)).metadata).toEqual({ lane: 'own' });
    await execute(server.caller, one, 'echo one > /tmp/file');
    expect((await execute(server.caller, two, 'cat /tmp/file')).stdout).toBe('common\n');
    expect((await execute(server.caller, source, 'cat /tmp/file')).stdout).toBe('common\n');
    await post(source, 'shutdown');
    expect((await execute(server.caller, one, 'cat /tmp/file')).stdout).toBe('one\n');
  });

  it('without memory runs launch commands and entrypoint of its own, and places no mount again', async () => {
    const source = await runningBox(server.caller, {
      file_mounts: { '/home/user/mounted': 'once' },
      entrypoint: 'sleep infinity',
      launch_parameters: { launch_commands: ['echo changed > mounted'] },
    });
    await execute(server.caller, source, 'echo of the source > mounted');
    const [id = ''] = await fork(source);
    expect(await commands(id)).toEqual(['echo changed > mounted', 'sleep infinity']);
    await server.host.kill(id, 'entrypoint');
    expect(await waitFor(server.caller, id, 'shutdown')).toMatchObject({ shutdown_reason: 'entrypoint_exit' });
    expect((await view(source)).status).toBe('running');
  });

  it('with memory goes on where the source stood: nothing is run again', async () => {
    const source = await runningBox(server.caller, {
      entrypoint: 'sleep infinity',
      launch_parameters: gvisor({ launch_commands: ['echo launched'] }),
    });
    await execute(server.caller, source, 'export COLOUR=blue', { shell_name: 'main' });
    const [id = ''] = await fork(source);
    expect((await view(id)).state_transitions.map((each: { status: string }) => each.status)).toEqual([
      'provisioning',
      'running',
    ]);
    expect(await commands(id)).toEqual([]);
    expect((await execute(server.caller, id, 'echo $COLOUR', { shell_name: 'main' })).stdout).toBe('blue\n');
    server.host.dropConnection();
    await eventually(async () => (await server.caller.call('GET', '/metrics')).json.includes('berth_host_connected 1'));
    expect((await view(id)).status).toBe('running');
    await post(id, 'suspend', { memory: false });
    await waitFor(server.caller, id, 'suspended');
    await post(id, 'resume');
    await waitFor(server.caller, id, 'running');
    expect(await commands(id)).toEqual(['echo $COLOUR', 'echo launched', 'sleep infinity']);
  });

  it('inherits no journal: executions of the source are unknown, their ids free', async () => {
    const source = await runningBox(server.caller, { launch_parameters: gvisor() });
    const command = { command: 'echo source', command_id: 'same-id' };
    await post(source, 'execute', command);
    const [id = ''] = await fork(source);
    expect((await server.caller.call('GET', `/v1/devboxes/${id}/executions/same-id`)).status).toBe(404);
    const own = await post(id, 'execute', { command: 'echo own', command_id: 'same-id' });
    expect(own.json.stdout).toBe('own\n');
  });

  it('reads secrets anew', async () => {
    await server.caller.call('POST', '/v1/secrets', { name: 'forked', value: 'one' });
    const source = await runningBox(server.caller, { secrets: { FORKED: 'forked' }, launch_parameters: gvisor() });
    await server.caller.call('POST', '/v1/secrets/forked', { value: 'two' });
    const [id = ''] = await fork(source, { memory: true });
    expect((await execute(server.caller, id, 'echo $FORKED')).stdout).toBe('two\n');
    expect((await execute(server.caller, source, 'echo $FORKED')).stdout).toBe('one\n');
  });

  it('is metered and timed from the fork on', async () => {
    const source = await runningBox(server.caller, { launch_parameters: gvisor({ keep_alive_time_seconds: 600 }) });
    await new Promise((resolve) => setTimeout(resolve, 30));
    const before = await view(source);
    const [id = ''] = await fork(source);
    const forked = await view(id);
    expect(forked.create_time_ms).toBeGreaterThan(before.create_time_ms + 20);
    const usage = (await server.caller.call('GET', `/v1/devboxes/${id}/usage`)).json;
    expect(usage.start_time_ms).toBe(forked.create_time_ms);
    const row = await server.server.parts.database
      .selectFrom('devboxes')
      .selectAll()
      .where('id', '=', id)
      .executeTakeFirstOrThrow();
    expect(row.expires_ms).toBe(row.status_ms + 600_000);
  });

  it('of a suspended box comes from its disk', async () => {
    const source = await runningBox(server.caller, { launch_parameters: gvisor() });
    await execute(server.caller, source, 'echo kept > /tmp/file');
    await post(source, 'suspend', { memory: true });
    await waitFor(server.caller, source, 'suspended');
    expect((await post(source, 'fork', { memory: true })).json.code).toBe('memoryUnsupported');
    const [id = ''] = await fork(source);
    expect((await execute(server.caller, id, 'cat /tmp/file')).stdout).toBe('kept\n');
    expect((await view(source)).status).toBe('suspended');
  });

  it('makes the same boxes for a repeated request', async () => {
    const source = await runningBox(server.caller);
    const key = { 'x-request-id': `fork-${source}` };
    const answers = await Promise.all([
      post(source, 'fork', { count: 2 }, key),
      post(source, 'fork', { count: 2 }, key),
    ]);
    const ids = answers.map(({ json }) => json.devboxes.map((box: { id: string }) => box.id));
    expect(ids[0]).toEqual(ids[1]);
    await post(source, 'shutdown?force=true');
    const again = await post(source, 'fork', { count: 2 }, key);
    expect(again.json.devboxes.map((box: { id: string }) => box.id)).toEqual(ids[0]);
  });

  it('is refused where it cannot be', async () => {
    const source = await runningBox(server.caller, { launch_parameters: { isolation: 'container' } });
    expect((await post(source, 'fork', { memory: true })).json).toMatchObject({ code: 'memoryUnsupported' });
    expect((await post(source, 'fork', { count: 0 })).status).toBe(400);
    expect((await post(source, 'fork', { count: 65 })).status).toBe(400);
    await post(source, 'shutdown');
    expect((await post(source, 'fork')).json).toMatchObject({ code: 'devboxNotRunning' });
  });

  it('fails with the cause when the snapshot does, and leaves the source alone', async () => {
    const source = await runningBox(server.caller);
    failures.push(new HostError('noSpace', 'the disk is full'));
    const [one = '', two = ''] = await fork(source, { count: 2 });
    for (const id of [one, two]) {
      const failed = await view(id);
      expect(failed).toMatchObject({ status: 'failure', failure_reason: 'execution_failed' });
      expect(failed.state_transitions.at(-1).detail).toContain('the disk is full');
    }
    expect((await execute(server.caller, source, 'echo on')).stdout).toBe('on\n');
    await noSnapshotIsLeft();
  });

  it('keeps its snapshot no longer than a fork waits for it, also when all are shut down first', async () => {
    const source = await runningBox(server.caller);
    const { json } = await post(source, 'fork', { count: 4 });
    await Promise.all(json.devboxes.map((box: { id: string }) => post(box.id, 'shutdown')));
    await noSnapshotIsLeft();
    for (const box of json.devboxes) {
      await eventually(async () => {
        const state = await server.host.inspect(box.id);
        return state === undefined || state.phase === 'destroyed';
      });
    }
  });

  it('brings sixty-four up', async () => {
    const source = await runningBox(server.caller);
    const ids = await fork(source, { count: 64 });
    expect(new Set(ids).size).toBe(64);
    const seen = await Promise.all(ids.map(view));
    expect(new Set(seen.map((each) => each.status))).toEqual(new Set(['running']));
    await noSnapshotIsLeft();
  });
});
