import { FakeHost } from '@berth/host/fake';
import Runloop, { type Devbox, RunloopSDK } from '@runloop/api-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DevboxServer, eventually, startDevboxServer } from './kit.ts';

const gibibyte = 1024 ** 3;

class SmallHost extends FakeHost {
  override async describe() {
    return { ...(await super.describe()), memoryBytes: 64 * gibibyte };
  }
}

let server: DevboxServer;
beforeAll(async () => {
  const admission = { memoryOvercommit: 1, evictionNoticeMs: 400 };
  server = await startDevboxServer({ host: new SmallHost(), admission });
  await eventually(async () => (await server.caller.call('GET', '/metrics')).json.includes('berth_host_connected 1'));
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

  it('suspends and resumes', async () => {
    const devbox = await new RunloopSDK(options()).devbox.create({ name: 'sleeper' });
    await devbox.file.write({ file_path: '/tmp/kept', contents: 'kept' });
    expect(['suspending', 'suspended']).toContain((await devbox.suspend()).status);
    expect((await devbox.awaitSuspended()).status).toBe('suspended');
    expect(['provisioning', 'suspended', 'running']).toContain((await devbox.resumeAsync()).status);
    expect((await devbox.awaitRunning()).status).toBe('running');
    expect(await devbox.file.read({ file_path: '/tmp/kept' })).toBe('kept');
    await devbox.suspend();
    await devbox.awaitSuspended();
    expect((await devbox.resume()).status).toBe('running');
    await devbox.shutdown();
  });

  it('hears at once, and why, of a resume that failed', async () => {
    const devbox = await new RunloopSDK(options()).devbox.create();
    await devbox.suspend();
    await devbox.awaitSuspended();
    server.host.failNextResume('out_of_disk');
    await expect(devbox.resume()).rejects.toThrow(/cannot be resumed: out_of_disk/);
    expect((await devbox.resume()).status).toBe('running');
    await devbox.shutdown();
  });

  it('takes snapshots and starts from them', async () => {
    const sdk = new RunloopSDK(options());
    const runloop = new Runloop(options());
    const devbox = await sdk.devbox.create();
    await devbox.file.write({ file_path: '/tmp/kept', contents: 'kept' });
    const snapshot = await devbox.snapshotDisk({ name: 'ready', commit_message: 'm', metadata: { a: 'b' } });
    const listed = await runloop.devboxes.listDiskSnapshots({ devbox_id: devbox.id });
    expect(listed.snapshots).toMatchObject([
      { id: snapshot.id, name: 'ready', commit_message: 'm', metadata: { a: 'b' } },
    ]);
    const copy = await snapshot.createDevbox();
    expect(await copy.file.read({ file_path: '/tmp/kept' })).toBe('kept');
    const later = await devbox.snapshotDiskAsync();
    expect((await later.awaitCompleted()).status).toBe('complete');
    const ids = [];
    for await (const each of runloop.devboxes.diskSnapshots.list({ devbox_id: devbox.id, limit: 1 })) {
      ids.push(each.id);
    }
    expect(ids).toEqual([later.id, snapshot.id]);
    await snapshot.update({ name: 'renamed' });
    expect((await snapshot.getInfo()).snapshot).toMatchObject({ name: 'renamed', commit_message: 'm' });
    await snapshot.delete();
    expect((await snapshot.queryStatus()).status).toBe('deleted');
    await Promise.all([devbox.shutdown(), copy.shutdown()]);
  });

  it('is told of evictions', async () => {
    const sdk = new RunloopSDK(options());
    const flex = { provisioning_tier: 'flex', resource_size_request: 'XX_LARGE' } as const;
    const devbox = await sdk.devbox.create({ launch_parameters: flex });
    const told = new Promise<{ devbox: Devbox; deadlineMs: number }>((resolve) => {
      devbox.onEvict((evicted, deadlineMs) => resolve({ devbox: evicted, deadlineMs }));
    });
    const large = { resource_size_request: 'XX_LARGE' } as const;
    const [one, two] = await Promise.all([
      sdk.devbox.create({ launch_parameters: large }),
      sdk.devbox.create({ launch_parameters: large }),
    ]);
    const notice = await told;
    expect(notice.devbox.id).toBe(devbox.id);
    const view = await devbox.awaitSuspended();
    const suspending = view.state_transitions.find((each) => each.status === 'suspending');
    expect(Number(suspending?.transition_time_ms)).toBeGreaterThanOrEqual(notice.deadlineMs);
    devbox.cancelOnEvict();
    await Promise.all([devbox.shutdown(), one.shutdown(), two.shutdown()]);
  });
});
