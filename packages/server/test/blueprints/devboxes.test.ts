import type { BoxSpec, BoxState } from '@berth/host/contract';
import { FakeHost } from '@berth/host/fake';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DevboxServer, eventually, execute, runningBox, startDevboxServer, waitFor } from '../devboxes/kit.ts';
import { base, begin, built, untilStatus, viewOf } from './kit.ts';

const control = { held: Promise.resolve() };

/** Boxes wait to be made while `held`. */
class SlowHost extends FakeHost {
  override async create(spec: BoxSpec): Promise<BoxState> {
    await control.held;
    return super.create(spec);
  }
}

/** Lets boxes wait until the returned function is called. */
const hold = (): (() => void) => {
  let release: () => void = () => undefined;
  control.held = new Promise((resolve) => {
    release = resolve;
  });
  return release;
};

let server: DevboxServer;
beforeAll(async () => {
  server = await startDevboxServer({ host: new SlowHost() });
});
afterAll(() => server.close());

const post = (path: string, body: unknown = '') => server.caller.call('POST', path, body);
const get = async (path: string) => (await server.caller.call('GET', path)).json;
const onHost = async (id: string) => (await server.host.images()).some((image) => image.id === id);

describe('a box from a blueprint', () => {
  it('has the environment of its image and says where it comes from, by id and by name', async () => {
    const { id } = await built(server.caller, { name: 'blue', dockerfile: 'FROM debian\nENV COLOUR=blue' });
    const byId = await runningBox(server.caller, { blueprint_id: id });
    expect((await execute(server.caller, byId, 'echo $COLOUR')).stdout).toBe('blue\n');
    const byName = await runningBox(server.caller, { blueprint_name: 'blue' });
    expect(await get(`/v1/devboxes/${byName}`)).toMatchObject({ blueprint_id: id, snapshot_id: null });
  });

  it('starts from the newest of its name that is built and not deleted', async () => {
    const [older, newer, deleted] = [
      await built(server.caller, { name: 'many' }),
      await built(server.caller, { name: 'many' }),
      await built(server.caller, { name: 'many' }),
    ];
    await built(server.caller, { name: 'many', dockerfile: 'RAN' });
    await post(`${base}/${deleted.id}/delete`);
    expect((await post('/v1/devboxes', { blueprint_name: 'many' })).json.blueprint_id).toBe(newer.id);
    await post(`${base}/${newer.id}/delete`);
    expect((await post('/v1/devboxes', { blueprint_name: 'many' })).json.blueprint_id).toBe(older.id);
  });

  it('takes over launch parameters, each overridden by its own', async () => {
    const { id } = await built(server.caller, {
      launch_parameters: {
        resource_size_request: 'CUSTOM_SIZE',
        custom_cpu_cores: 2,
        custom_gb_memory: 4,
        launch_commands: ['echo of the blueprint > /tmp/launched'],
        after_idle: { idle_time_seconds: 600, on_idle: 'suspend' },
        user_parameters: { username: 'agent', uid: 1500 },
      },
    });
    const inherited = await runningBox(server.caller, { blueprint_id: id });
    expect((await get(`/v1/devboxes/${inherited}`)).launch_parameters).toMatchObject({
      resource_size_request: 'CUSTOM_SIZE',
      custom_cpu_cores: 2,
      after_idle: { on_idle: 'suspend' },
      user_parameters: { username: 'agent' },
    });
    expect((await execute(server.caller, inherited, 'cat /tmp/launched')).stdout).toBe('of the blueprint\n');
    const own = await post('/v1/devboxes', {
      blueprint_id: id,
      launch_parameters: {
        resource_size_request: 'LARGE',
        launch_commands: [],
        lifecycle: { after_idle: { idle_time_seconds: 60, on_idle: 'shutdown' } },
      },
    });
    expect(own.json.launch_parameters).toMatchObject({
      resource_size_request: 'LARGE',
      launch_commands: [],
      lifecycle: { after_idle: { idle_time_seconds: 60 } },
      user_parameters: { username: 'agent' },
    });
    expect(own.json.launch_parameters).not.toHaveProperty('custom_cpu_cores');
    expect(own.json.launch_parameters).not.toHaveProperty('after_idle');
  });

  it('is refused while the blueprint is not built, unknown, failed or deleted', async () => {
    server.host.holdBuilds(true);
    const waiting = await begin(server.caller, { name: 'waiting' });
    expect((await post('/v1/devboxes', { blueprint_id: waiting })).json.code).toBe('blueprintNotReady');
    expect((await post('/v1/devboxes', { blueprint_name: 'waiting' })).json.code).toBe('unknownSource');
    server.host.holdBuilds(false);
    await untilStatus(server.caller, waiting, 'build_complete');
    await post(`${base}/${waiting}/delete`);
    const answer = await post('/v1/devboxes', { blueprint_id: waiting });
    expect(answer).toMatchObject({ status: 400, json: { code: 'unknownSource' } });
  });
});

describe('what stands on a blueprint', () => {
  it('are its snapshots, also those of boxes made from them: it cannot be deleted before them', async () => {
    const { id } = await built(server.caller);
    const box = await runningBox(server.caller, { blueprint_id: id });
    const first = (await post(`/v1/devboxes/${box}/snapshot_disk`, {})).json;
    expect(first.source_blueprint_id).toBe(id);
    const second = await runningBox(server.caller, { snapshot_id: first.id });
    expect(await get(`/v1/devboxes/${second}`)).toMatchObject({ blueprint_id: null, snapshot_id: first.id });
    const later = (await post(`/v1/devboxes/${second}/snapshot_disk`, {})).json;
    const [fork] = (await post(`/v1/devboxes/${second}/fork`, {})).json.devboxes;
    await waitFor(server.caller, fork.id, 'running');
    const forked = (await post(`/v1/devboxes/${fork.id}/snapshot_disk`, {})).json;
    const list = await get(`/v1/devboxes/disk_snapshots?source_blueprint_id=${id}`);
    expect(list.snapshots.map((each: { id: string }) => each.id)).toEqual([forked.id, later.id, first.id]);

    const refused = await post(`${base}/${id}/delete`);
    expect(refused).toMatchObject({ status: 400, json: { code: 'blueprintInUse' } });
    expect(refused.json.message).toContain(first.id);
    expect(await viewOf(server.caller, id)).toMatchObject({ state: 'created', status: 'build_complete' });
    for (const snapshot of [first, later, forked]) {
      await post(`/v1/devboxes/disk_snapshots/${snapshot.id}/delete`);
    }
    expect((await post(`${base}/${id}/delete`)).status).toBe(200);
  });

  it('are boxes that run: it can be deleted under them', async () => {
    const { id } = await built(server.caller);
    const box = await runningBox(server.caller, { blueprint_id: id });
    expect((await post(`${base}/${id}/delete`)).status).toBe(200);
    await eventually(async () => !(await onHost(id)));
    expect((await execute(server.caller, box, 'echo on')).stdout).toBe('on\n');
    expect(await get(`/v1/devboxes/${box}`)).toMatchObject({ blueprint_id: id, status: 'running' });
  });

  it('are boxes that wait to start: its image is kept until they have', async () => {
    const { id } = await built(server.caller);
    const release = hold();
    const box = (await post('/v1/devboxes', { blueprint_id: id })).json;
    expect((await post(`${base}/${id}/delete`)).status).toBe(200);
    expect(await get(`/v1/devboxes/${box.id}`)).toMatchObject({ status: 'provisioning' });
    expect(await onHost(id)).toBe(true);
    release();
    await waitFor(server.caller, box.id, 'running');
    await eventually(async () => !(await onHost(id)));
  });
});
