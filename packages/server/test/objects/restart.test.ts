import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { DirectoryStore } from '../../src/blobs/directory-store.ts';
import { MasterKey } from '../../src/secrets/master-key.ts';
import { createTestDatabase } from '../database.ts';
import { crash, eventually } from '../devboxes/kit.ts';
import { blobFiles, createObject, makeObject, startObjectServer } from './kit.ts';

it('a server killed at any point of an upload leaves a whole object or nothing, and its URLs go on to be good', async () => {
  const database = await createTestDatabase();
  const blobs = await mkdtemp(join(tmpdir(), 'berth-blobs-'));
  const masterKey = new MasterKey(randomBytes(32));
  const start = () => startObjectServer({ blobs }, { databaseUrl: database.url, masterKey });
  const first = await start();
  const owner = await first.newCaller();
  const whole = await makeObject(owner, 'whole');
  const [half, unnamed, deleted] = [await createObject(owner), await createObject(owner), await makeObject(owner, 'd')];
  // Half-way through the bytes.
  const request = http.request(half.upload_url, { method: 'PUT' });
  request.on('error', () => undefined);
  request.write('x'.repeat(100_000));
  await eventually(async () => (await blobFiles(blobs)).length === 3);
  // The bytes are there, the row does not say so yet.
  const { store } = first.server.parts.objects;
  const blobKey = `${unnamed.id}-0123456789abcdef`;
  await store.beginUpload(blobKey);
  await new DirectoryStore(blobs).write(
    blobKey,
    (async function* () {
      yield Buffer.from('nobody knows');
    })(),
  );
  // The row says deleted, the bytes are still there.
  await first.server.parts.database
    .updateTable('objects')
    .set({ state: 'DELETED', blob_key: null })
    .where('id', '=', deleted)
    .execute();
  const [left] = (await blobFiles(blobs)).filter((name) => name.startsWith(deleted));
  await first.server.parts.database
    .insertInto('loose_blobs')
    .values({ blob_key: left ?? '', owner: null, since_ms: 0 })
    .execute();
  await crash(first, { cut: () => undefined });
  request.destroy();

  const second = await start();
  await eventually(async () => (await blobFiles(blobs)).length === 1);
  const again = second.callerWithKey(owner.account, owner.key);
  expect((await again.call('GET', `/v1/objects/${half.id}`)).json).toMatchObject({
    state: 'UPLOADING',
    size_bytes: null,
  });
  const url = half.upload_url.replace(first.baseUrl, second.baseUrl);
  expect((await fetch(url, { method: 'PUT', body: 'second try' })).status).toBe(200);
  expect((await again.call('POST', `/v1/objects/${half.id}/complete`, '')).json).toMatchObject({ size_bytes: 10 });
  const { json } = await again.call('GET', `/v1/objects/${whole}/download`);
  expect(await (await fetch(json.download_url)).text()).toBe('whole');
  await eventually(
    async () => (await second.server.parts.database.selectFrom('loose_blobs').selectAll().execute()).length === 0,
  );
  await second.close();
  await rm(blobs, { recursive: true });
  await database.drop();
});

it('a complete whose answer was lost with the server is answered when it is sent again', async () => {
  const database = await createTestDatabase();
  const blobs = await mkdtemp(join(tmpdir(), 'berth-blobs-'));
  const first = await startObjectServer({ blobs }, { databaseUrl: database.url });
  const owner = await first.newCaller();
  const { id, upload_url } = await createObject(owner);
  const path = `/v1/objects/${id}/complete`;
  const retried = { 'x-request-id': 'the-same-call' };
  expect((await fetch(upload_url, { method: 'PUT', body: 'whole' })).status).toBe(200);
  expect((await owner.call('POST', path, '', retried)).status).toBe(200);
  // As a server leaves it that is killed before it has noted its answer.
  await first.server.parts.database.updateTable('idempotent_requests').set({ status: null, body: null }).execute();
  await crash(first, { cut: () => undefined });

  const second = await startObjectServer({ blobs }, { databaseUrl: database.url });
  const again = second.callerWithKey(owner.account, owner.key);
  expect(await again.call('POST', path, '', retried)).toMatchObject({
    status: 200,
    json: { id, state: 'READ_ONLY', size_bytes: 5 },
  });
  expect(await again.call('POST', path, '', { 'x-request-id': 'another-call' })).toMatchObject({
    status: 409,
    json: { code: 'objectNotUploading' },
  });
  await second.close();
  await rm(blobs, { recursive: true });
  await database.drop();
});
