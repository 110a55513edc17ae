import { HostError, type SnapshotState } from '@berth/host/contract';
import { FakeHost } from '@berth/host/fake';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DevboxServer, eventually, execute, runningBox, startDevboxServer, waitFor } from '../devboxes/kit.ts';

/** Snapshots wait for `release` while `held`; the next ones fail with these. */
const control = { failures: [] as HostError[], held: undefined as Promise<void> | undefined };

class SlowHost extends FakeHost {
  override async snapshot(box: string, id: string, options: { readonly memory: boolean }): Promise<SnapshotState> {
    await control.held;
    const failure = control.failures.shift();
    if (failure !== undefined) {
      throw failure;
    }
    return super.snapshot(box, id, options);
  }
}

/** Lets snapshots wait until the returned function is called. */
const hold = (): (() => void) => {
  let release: () => void = () => undefined;
  control.held = new Promise((resolve) => {
    release = () => {
      control.held = undefined;
      resolve();
    };
  });
  return release;
};

let server: DevboxServer;
beforeAll(async () => {
  server = await startDevboxServer({ host: new SlowHost() });
});
afterAll(() => server.close());

const base = '/v1/devboxes/disk_snapshots';
const post = (path: string, body: unknown = '', headers?: Record<string, string>) =>
  server.caller.call('POST', path, body, headers);
const get = (path: string) => server.caller.call('GET', path);
const take = async (box: string, wish: unknown = '') => (await post(`/v1/devboxes/${box}/snapshot_disk`, wish)).json;
const status = async (id: string) => (await get(`${base}/${id}/status`)).json;
const settled = async (id: string) => {
  await eventually(async () => (await status(id)).status !== 'in_progress');
  return status(id);
};
const onHost = async (id: string) => (await server.host.snapshots()).some((state) => state.id === id);

describe('taking (API §7)', () => {
  it('answers with the whole view when complete; the box runs on', async () => {
    const box = await runningBox(server.caller);
    await execute(server.caller, box, 'echo kept > /tmp/file');
    const wish = { name: 'ready', commit_message: 'all installed', metadata: { a: 'b' } };
    const snapshot = await take(box, wish);
    expect(snapshot).toEqual({
      id: expect.stringMatching(/^snp_[0-9A-Za-z]{21}$/),
      name: 'ready',
      commit_message: 'all installed',
      metadata: { a: 'b' },
      create_time_ms: expect.any(Number),
      source_devbox_id: box,
      source_blueprint_id: null,
      size_bytes: expect.any(Number),
    });
    expect(snapshot.size_bytes).toBeGreaterThan(0);
    expect(await status(snapshot.id)).toEqual({ status: 'complete', error_message: null, snapshot });
    expect((await execute(server.caller, box, 'echo on')).stdout).toBe('on\n');
  });

  it('answers at once when asked to, and tells how far it is', async () => {
    const box = await runningBox(server.caller);
    const release = hold();
    const begun = await post(`/v1/devboxes/${box}/snapshot_disk_async`, { name: 'slow' });
    expect(begun).toMatchObject({ status: 200, json: { name: 'slow', size_bytes: null } });
    expect(await status(begun.json.id)).toEqual({ status: 'in_progress', error_message: null, snapshot: null });
    release();
    expect((await settled(begun.json.id)).status).toBe('complete');
  });

  it('works on a suspended box, and on no other than a running one', async () => {
    const box = await runningBox(server.caller);
    await post(`/v1/devboxes/${box}/suspend`);
    await waitFor(server.caller, box, 'suspended');
    const snapshot = await take(box);
    expect((await status(snapshot.id)).status).toBe('complete');
    await post(`/v1/devboxes/${box}/shutdown`);
    expect(await post(`/v1/devboxes/${box}/snapshot_disk`)).toMatchObject({
      status: 400,
      json: { code: 'devboxNotRunning' },
    });
    expect((await status(snapshot.id)).status).toBe('complete');
  });

  it('makes one snapshot for a repeated request', async () => {
    const box = await runningBox(server.caller);
    const key = { 'x-request-id': `snapshot-${box}` };
    const path = `/v1/devboxes/${box}/snapshot_disk`;
    const answers = await Promise.all([post(path, {}, key), post(path, {}, key)]);
    const again = await post(path, {}, key);
    expect(new Set([...answers, again].map((answer) => answer.json.id)).size).toBe(1);
    expect((await get(`${base}?devbox_id=${box}`)).json.total_count).toBe(1);
  });

  it('refuses a commit message of more than 1,000 characters', async () => {
    const box = await runningBox(server.caller);
    const path = `/v1/devboxes/${box}/snapshot_disk`;
    expect((await post(path, { commit_message: 'x'.repeat(1_001) })).status).toBe(400);
    expect((await post(path, { commit_message: 'x'.repeat(1_000) })).status).toBe(200);
  });

  it('is tried again while that may help', async () => {
    const box = await runningBox(server.caller);
    control.failures.push(
      new HostError('hostUnavailable', 'gone'),
      new HostError('internal', 'later', { retryable: true }),
    );
    expect((await take(box)).size_bytes).toEqual(expect.any(Number));
    expect(control.failures).toEqual([]);
  });

  it('tells why it failed, and is not listed then', async () => {
    const box = await runningBox(server.caller);
    control.failures.push(new HostError('noSpace', 'the disk is full'));
    const failed = await post(`/v1/devboxes/${box}/snapshot_disk`);
    expect(failed).toMatchObject({ status: 500, json: { code: 'snapshotFailed', retryable: false } });
    expect(failed.json.message).toContain('the disk is full');
    control.failures.push(new HostError('noSpace', 'the disk is full'));
    const begun = await post(`/v1/devboxes/${box}/snapshot_disk_async`);
    expect(await settled(begun.json.id)).toEqual({
      status: 'error',
      error_message: 'the disk is full',
      snapshot: null,
    });
    expect((await get(`${base}?devbox_id=${box}`)).json.snapshots).toEqual([]);
    expect(await post('/v1/devboxes', { snapshot_id: begun.json.id })).toMatchObject({
      status: 400,
      json: { code: 'snapshotNotReady' },
    });
  });
});

describe('a snapshot in progress', () => {
  it('keeps its box from being shut down, unless forced', async () => {
    const box = await runningBox(server.caller);
    const release = hold();
    const { json } = await post(`/v1/devboxes/${box}/snapshot_disk_async`);
    const refused = await post(`/v1/devboxes/${box}/shutdown`);
    expect(refused).toMatchObject({ status: 409, json: { code: 'snapshotInProgress' } });
    expect(refused.headers.get('x-should-retry')).toBe('false');
    expect((await post(`/v1/devboxes/${box}/shutdown?force=true`)).json.status).toBe('shutdown');
    await eventually(async () => (await server.host.inspect(box))?.phase === 'destroyed');
    release();
    expect(await settled(json.id)).toMatchObject({ status: 'error' });
  });

  it('puts the end of a lifetime off until it is complete', async () => {
    const box = await runningBox(server.caller, { launch_parameters: { keep_alive_time_seconds: 600 } });
    const release = hold();
    const { json } = await post(`/v1/devboxes/${box}/snapshot_disk_async`);
    await server.server.parts.database.updateTable('devboxes').set({ expires_ms: 1 }).where('id', '=', box).execute();
    await runningBox(server.caller, { launch_parameters: { keep_alive_time_seconds: 0.05 } }).then((other) =>
      waitFor(server.caller, other, 'shutdown'),
    );
    expect((await get(`/v1/devboxes/${box}`)).json.status).toBe('running');
    release();
    expect(await waitFor(server.caller, box, 'shutdown')).toMatchObject({ shutdown_reason: 'keep_alive_timeout' });
    expect((await settled(json.id)).status).toBe('complete');
  });

  it('cannot be deleted, nor started from', async () => {
    const box = await runningBox(server.caller);
    const release = hold();
    const { json } = await post(`/v1/devboxes/${box}/snapshot_disk_async`);
    const refused = await post(`${base}/${json.id}/delete`);
    expect(refused).toMatchObject({ status: 409, json: { code: 'snapshotIncomplete' } });
    expect(refused.headers.get('x-should-retry')).toBe('false');
    expect((await post('/v1/devboxes', { snapshot_id: json.id })).json).toMatchObject({ code: 'snapshotNotReady' });
    release();
    await settled(json.id);
    expect((await post(`${base}/${json.id}/delete`)).status).toBe(200);
  });
});

describe('boxes from a snapshot', () => {
  it('are copies that are independent of their source and of each other', async () => {
    const source = await runningBox(server.caller);
    await execute(server.caller, source, 'echo common > /tmp/file');
    const { id } = await take(source);
    await execute(server.caller, source, 'echo source > /tmp/file');
    const [one, two] = await Promise.all([
      runningBox(server.caller, { snapshot_id: id, name: 'one' }),
      runningBox(server.caller, { snapshot_id: id }),
    ]);
    expect((await get(`/v1/devboxes/${one}`)).json).toMatchObject({ snapshot_id: id, name: 'one' });
    await execute(server.caller, one, 'echo one > /tmp/file');
    expect((await execute(server.caller, two, 'cat /tmp/file')).stdout).toBe('common\n');
    expect((await execute(server.caller, source, 'cat /tmp/file')).stdout).toBe('source\n');
  });

  it('are not made from what another account has', async () => {
    const { id } = await take(await runningBox(server.caller));
    const other = await server.newCaller('other');
    expect(await other.call('POST', '/v1/devboxes', { snapshot_id: id })).toMatchObject({
      status: 400,
      json: { code: 'unknownSource' },
    });
  });

  it('run their own launch commands and take their own size', async () => {
    const { id } = await take(
      await runningBox(server.caller, { launch_parameters: { launch_commands: ['echo theirs'] } }),
    );
    const box = await runningBox(server.caller, {
      snapshot_id: id,
      launch_parameters: { launch_commands: ['echo own'], resource_size_request: 'X_SMALL' },
    });
    const { json } = await get(`/v1/devboxes/${box}/logs`);
    expect(json.logs.flatMap((entry: { cmd?: string }) => entry.cmd ?? [])).toEqual(['echo own']);
  });
});

describe('deleting', () => {
  it('is told at once and for ever, works twice, and leaves boxes alone', async () => {
    const source = await runningBox(server.caller);
    await execute(server.caller, source, 'echo kept > /tmp/file');
    const { id } = await take(source);
    const box = await runningBox(server.caller, { snapshot_id: id });
    expect(await post(`${base}/${id}/delete`)).toMatchObject({ status: 200, json: {} });
    expect(await post(`${base}/${id}/delete`)).toMatchObject({ status: 200, json: {} });
    expect(await status(id)).toEqual({ status: 'deleted', error_message: null, snapshot: null });
    expect((await get(`${base}?id=${id}`)).json.snapshots).toEqual([]);
    expect((await post(`${base}/${id}`, { name: 'x' })).status).toBe(404);
    expect((await post('/v1/devboxes', { snapshot_id: id })).json.code).toBe('unknownSource');
    await eventually(async () => !(await onHost(id)));
    expect((await execute(server.caller, box, 'cat /tmp/file')).stdout).toBe('kept\n');
    await post(`/v1/devboxes/${box}/suspend`);
    await waitFor(server.caller, box, 'suspended');
    await post(`/v1/devboxes/${box}/resume`);
    await waitFor(server.caller, box, 'running');
    expect((await execute(server.caller, box, 'cat /tmp/file')).stdout).toBe('kept\n');
  });

  it('waits on the host for boxes that are still to be made from it', async () => {
    const { id } = await take(await runningBox(server.caller));
    server.host.setUnreachable(true);
    const { json } = await post('/v1/devboxes', { snapshot_id: id });
    expect((await post(`${base}/${id}/delete`)).status).toBe(200);
    expect((await status(id)).status).toBe('deleted');
    server.host.setUnreachable(false);
    await waitFor(server.caller, json.id, 'running', 'failure').then((view) => expect(view.status).toBe('running'));
    await eventually(async () => !(await onHost(id)));
  });
});

describe('lists', () => {
  it('filter, page newest first and count', async () => {
    const [one, two] = [await runningBox(server.caller), await runningBox(server.caller)];
    const made = [];
    for (const [index, box] of [one, one, two, one].entries()) {
      made.push(await take(box, { name: `list ${index}`, metadata: { lane: String(index), kind: 'listed' } }));
    }
    const ids = async (query: string) =>
      (await get(`${base}?${query}`)).json.snapshots.map((snapshot: { id: string }) => snapshot.id);
    const [first, second, third, fourth] = made.map((snapshot) => snapshot.id);
    expect(await ids(`devbox_id=${one}`)).toEqual([fourth, second, first]);
    expect(await ids('metadata[kind]=listed')).toEqual([fourth, third, second, first]);
    expect(await ids('metadata[kind]=listed&metadata[lane]=2')).toEqual([third]);
    expect(await ids('metadata[lane][in]=0,2,9&metadata[kind]=listed')).toEqual([third, first]);
    expect(await ids('metadata[lane][in]=9')).toEqual([]);
    expect(await ids(`id=${second}`)).toEqual([second]);
    expect(await ids(`search=${second}`)).toEqual([second]);
    expect(await ids('search=list%203')).toEqual([fourth]);
    expect(await ids('name=list%201')).toEqual([second]);
    expect(await ids('source_blueprint_id=bpt_x')).toEqual([]);
    const page = (await get(`${base}?metadata[kind]=listed&limit=3`)).json;
    expect(page).toMatchObject({ has_more: true, total_count: 4 });
    expect(await ids(`metadata[kind]=listed&limit=3&starting_after=${page.snapshots.at(-1).id}`)).toEqual([first]);
    expect((await get(`${base}?include_total_count=false`)).json).not.toHaveProperty('total_count');
    expect((await get(`${base}?metadata[a]=1&metadata[a][in]=2`)).status).toBe(400);
    expect((await get(`${base}/metadata/keys`)).json.keys).toContain('lane');
    expect((await get(`${base}/metadata/keys/kind/values`)).json).toEqual({ key: 'kind', values: ['listed'] });
  });

  it('of public snapshots are empty', async () => {
    expect((await get(`${base}/list_public`)).json).toEqual({ snapshots: [], has_more: false, total_count: 0 });
    expect((await get(`${base}/public/metadata/keys`)).json).toEqual({ keys: [] });
    expect((await get(`${base}/public/metadata/keys/a/values`)).json).toEqual({ key: 'a', values: [] });
  });
});

describe('updating', () => {
  it('changes what is given, replaces metadata whole, and clears with empty text', async () => {
    const { id } = await take(await runningBox(server.caller), {
      name: 'n',
      commit_message: 'c',
      metadata: { a: '1' },
    });
    expect((await post(`${base}/${id}`, { name: 'm' })).json).toMatchObject({
      name: 'm',
      commit_message: 'c',
      metadata: { a: '1' },
    });
    expect((await post(`${base}/${id}`, { metadata: { b: '2' } })).json).toMatchObject({
      name: 'm',
      metadata: { b: '2' },
    });
    expect((await post(`${base}/${id}`, { name: '', commit_message: '', metadata: {} })).json).toMatchObject({
      name: null,
      commit_message: null,
      metadata: {},
    });
  });
});

describe('quotas', () => {
  it('bound the number of snapshots, and are told', async () => {
    const tight = await startDevboxServer({ admission: { quotas: { '*': { snapshots: 1 } } } });
    const box = await runningBox(tight.caller);
    const path = `/v1/devboxes/${box}/snapshot_disk`;
    const key = { 'x-request-id': 'first' };
    const first = await tight.caller.call('POST', path, {}, key);
    const refused = await tight.caller.call('POST', path, {});
    expect(refused).toMatchObject({ status: 429, json: { code: 'quotaExceeded', retryable: false } });
    expect(refused.headers.get('x-should-retry')).toBe('false');
    expect((await tight.caller.call('POST', path, {}, key)).json.id).toBe(first.json.id);
    const quotas = await tight.caller.call('GET', '/v1/accounts/me/quotas');
    expect(quotas.json.snapshots).toEqual({ limit: 1, used: 1 });
    await tight.caller.call('POST', `${base}/${first.json.id}/delete`, '');
    expect((await tight.caller.call('POST', path, {})).status).toBe(200);
    await tight.close();
  });
});
