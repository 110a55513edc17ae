import { readdir } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../devboxes/kit.ts';
import type { TestCaller, TestServer } from '../harness.ts';
import { blobFiles, createObject, makeObject, startObjectServer } from './kit.ts';

let server: TestServer & { readonly blobs: string };
let caller: TestCaller;
beforeAll(async () => {
  server = await startObjectServer();
  caller = await server.newCaller();
});
afterAll(() => server.close());

const get = async (id: string) => (await caller.call('GET', `/v1/objects/${id}`)).json;

describe('the life of an object', () => {
  it('is uploaded, complete, read back byte for byte, deleted', async () => {
    const created = await createObject(caller, { metadata: { team: 'blue' } });
    expect(created).toMatchObject({
      id: expect.stringMatching(/^obj_[0-9A-Za-z]{21}$/),
      state: 'UPLOADING',
      size_bytes: null,
      metadata: { team: 'blue' },
      delete_after_time_ms: null,
    });
    const bytes = Uint8Array.from({ length: 300_000 }, (_, index) => (index * 7) % 256);
    const put = await fetch(created.upload_url, { method: 'PUT', body: bytes });
    expect(put.status).toBe(200);
    const complete = await caller.call('POST', `/v1/objects/${created.id}/complete`, '');
    expect(complete).toMatchObject({ status: 200, json: { state: 'READ_ONLY', size_bytes: 300_000 } });
    expect(complete.json).not.toHaveProperty('upload_url');
    const { json } = await caller.call('GET', `/v1/objects/${created.id}/download?duration_seconds=60`);
    const answer = await fetch(json.download_url);
    expect(answer.headers.get('content-length')).toBe('300000');
    expect(answer.headers.get('content-disposition')).toBe('attachment');
    expect(new Uint8Array(await answer.arrayBuffer())).toEqual(bytes);
    const deleted = await caller.call('POST', `/v1/objects/${created.id}/delete`, '');
    expect(deleted).toMatchObject({ status: 200, json: { state: 'DELETED' } });
    expect(await get(created.id)).toMatchObject({ state: 'DELETED' });
    expect((await caller.call('GET', `/v1/objects/${created.id}/download`)).status).toBe(400);
    expect((await fetch(json.download_url)).status).toBe(400);
    await eventually(async () => (await blobFiles(server.blobs)).length === 0);
  });

  it('may be empty', async () => {
    const id = await makeObject(caller, '');
    expect(await get(id)).toMatchObject({ state: 'READ_ONLY', size_bytes: 0 });
    const { json } = await caller.call('GET', `/v1/objects/${id}/download`);
    expect(await (await fetch(json.download_url)).text()).toBe('');
  });

  it('is complete once, and only with content', async () => {
    const { id, upload_url } = await createObject(caller);
    expect(await caller.call('POST', `/v1/objects/${id}/complete`, '')).toMatchObject({
      status: 409,
      json: { code: 'objectNotUploaded', retryable: false },
    });
    await fetch(upload_url, { method: 'PUT', body: 'x' });
    expect((await caller.call('POST', `/v1/objects/${id}/complete`, '')).status).toBe(200);
    const again = await caller.call('POST', `/v1/objects/${id}/complete`, '');
    expect(again).toMatchObject({ status: 409, json: { code: 'objectNotUploading' } });
    expect(again.headers.get('x-should-retry')).toBe('false');
    expect((await fetch(upload_url, { method: 'PUT', body: 'other' })).status).toBe(409);
  });

  it('keeps the last of several uploads, and nothing of the others', async () => {
    const before = (await blobFiles(server.blobs)).length;
    const { id, upload_url } = await createObject(caller);
    for (const body of ['first', 'second one', 'third']) {
      expect((await fetch(upload_url, { method: 'PUT', body })).status).toBe(200);
    }
    await caller.call('POST', `/v1/objects/${id}/complete`, '');
    const { json } = await caller.call('GET', `/v1/objects/${id}/download`);
    expect(await (await fetch(json.download_url)).text()).toBe('third');
    await eventually(async () => (await blobFiles(server.blobs)).length === before + 1);
  });

  it('is made once per idempotency key', async () => {
    const wish = { name: 'once', content_type: 'text' };
    const headers = { 'x-request-id': 'the same key' };
    const one = await caller.call('POST', '/v1/objects', wish, headers);
    const two = await caller.call('POST', '/v1/objects', wish, headers);
    expect(two.json.id).toBe(one.json.id);
    expect((await fetch(two.json.upload_url, { method: 'PUT', body: 'x' })).status).toBe(200);
  });

  it('ends after its time', async () => {
    const id = await makeObject(caller, 'passing', { ttl_ms: 400 });
    const { create_time_ms, delete_after_time_ms } = await get(id);
    expect(delete_after_time_ms).toBe(create_time_ms + 400);
    await eventually(async () => (await get(id)).state === 'DELETED');
    await eventually(async () => !(await readdir(server.blobs, { recursive: true })).some((name) => name.includes(id)));
  });

  it.each([
    [{ name: 'x' }],
    [{ content_type: 'text' }],
    [{ name: '', content_type: 'text' }],
    [{ name: 'x', content_type: 'zip' }],
    [{ name: 'x', content_type: 'text', ttl_ms: 0 }],
    [{ name: 'x', content_type: 'text', metadata: { a: 1 } }],
  ])('is refused: %j', async (wish) => {
    expect((await caller.call('POST', '/v1/objects', wish)).status).toBe(400);
  });
});

describe('an upload that nobody completes', () => {
  it('has failed after its time', async () => {
    const quick = await startObjectServer({ uploadMs: 300 });
    const someone = await quick.newCaller();
    const { id, upload_url } = await createObject(someone);
    await fetch(upload_url, { method: 'PUT', body: 'half a story' });
    await eventually(async () => (await someone.call('GET', `/v1/objects/${id}`)).json.state === 'ERROR');
    await eventually(async () => (await blobFiles(quick.blobs)).length === 0);
    expect((await someone.call('POST', `/v1/objects/${id}/delete`, '')).json.state).toBe('DELETED');
    await quick.close();
  });
});

describe('lists', () => {
  it('are newest first and filtered', async () => {
    const lister = await server.newCaller('lister');
    const ids: string[] = [];
    for (const [name, content_type] of [
      ['alpha one', 'text'],
      ['alpha two', 'tgz'],
      ['beta', 'text'],
    ]) {
      ids.unshift(await makeObject(lister, 'x', { name, content_type }));
    }
    const list = async (query: string) => {
      const { json } = await lister.call('GET', `/v1/objects?${query}`);
      return json.objects.map((object: { id: string }) => object.id);
    };
    const [beta, two, one] = ids;
    expect(await list('')).toEqual([beta, two, one]);
    expect(await list('name=alpha')).toEqual([two, one]);
    expect(await list('content_type=text')).toEqual([beta, one]);
    expect(await list(`search=${two}`)).toEqual([two]);
    expect(await list('search=BETA')).toEqual([beta]);
    expect(await list(`limit=1&starting_after=${beta}`)).toEqual([two]);
    expect(await list('state=UPLOADING')).toEqual([]);
    await lister.call('POST', `/v1/objects/${one}/delete`, '');
    expect(await list('')).toEqual([beta, two]);
    expect(await list('state=DELETED')).toEqual([one]);
    const { json } = await lister.call('GET', '/v1/objects?limit=1');
    expect(json).toMatchObject({ has_more: true, total_count: 2 });
  });

  it('show public objects to every account, which may read them and not change them', async () => {
    const owner = await server.newCaller('publisher');
    const id = await makeObject(owner, 'for all', { is_public: true });
    const listed = (await caller.call('GET', '/v1/objects/list_public')).json.objects;
    expect(listed.map((object: { id: string }) => object.id)).toContain(id);
    const { json } = await caller.call('GET', `/v1/objects/${id}/download`);
    expect(await (await fetch(json.download_url)).text()).toBe('for all');
    expect((await caller.call('POST', `/v1/objects/${id}/delete`, '')).status).toBe(404);
    expect((await caller.call('POST', `/v1/objects/${id}/complete`, '')).status).toBe(404);
    expect((await caller.call('GET', '/v1/objects')).json.objects.map((one: { id: string }) => one.id)).not.toContain(
      id,
    );
  });

  it('tell the metadata in use', async () => {
    const lister = await server.newCaller('metadata');
    await makeObject(lister, 'x', { metadata: { colour: 'blue', size: '1' } });
    await makeObject(lister, 'x', { metadata: { colour: 'red' } });
    expect((await lister.call('GET', '/v1/objects/metadata/keys')).json).toEqual({ keys: ['colour', 'size'] });
    expect((await lister.call('GET', '/v1/objects/metadata/keys/colour/values')).json.values).toEqual(['blue', 'red']);
  });
});
