import http from 'node:http';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { AccountStore } from '../../src/accounts/store.ts';
import { eventually } from '../devboxes/kit.ts';
import type { TestCaller, TestServer } from '../harness.ts';
import { blobFiles, createObject, makeObject, startObjectServer } from './kit.ts';

const mebibyte = 1024 ** 2;
let server: TestServer & { readonly blobs: string };
beforeAll(async () => {
  server = await startObjectServer();
});
afterAll(() => server.close());

/** An account that may keep so many MiB in objects. */
const limited = async (mebibytes: number): Promise<TestCaller> => {
  const caller = await server.newCaller();
  await new AccountStore(server.server.parts.database).changeLimits(caller.account, { objectGib: mebibytes / 1_024 });
  return caller;
};
const bytes = (mebibytes: number) => new Uint8Array(mebibytes * mebibyte).fill(120);
const put = async (url: string, body: RequestInit['body']) => {
  const answer = await fetch(url, {
    method: 'PUT',
    body,
    ...(body instanceof ReadableStream ? { duplex: 'half' } : {}),
  } as RequestInit);
  return { status: answer.status, json: (await answer.json()) as { message?: string } };
};
const used = async (caller: TestCaller) =>
  (await caller.call('GET', '/v1/accounts/me/quotas')).json.object_gib.used * 1_024;
const files = async (id: string) => (await blobFiles(server.blobs)).filter((name) => name.includes(id)).length;

it('refuses an announced length beforehand, and says what is used, asked for and allowed', async () => {
  const caller = await limited(2);
  const first = await makeObject(caller, bytes(1));
  const { id, upload_url } = await createObject(caller);
  const refused = await put(upload_url, bytes(2));
  expect(refused).toMatchObject({ status: 429, json: { code: 'quotaExceeded', retryable: false } });
  expect(refused.json.message).toContain(`${2 * mebibyte} bytes in objects`);
  expect(refused.json.message).toContain(`has ${mebibyte} and asks for ${2 * mebibyte}`);
  expect(await used(caller)).toBe(1);
  expect(await files(id)).toBe(0);
  expect((await put(upload_url, bytes(1))).status).toBe(200);
  expect(await used(caller)).toBe(2);
  await caller.call('POST', `/v1/objects/${first}/delete`, '');
  expect(await used(caller)).toBe(1);
  await makeObject(caller, bytes(1));
});

it('stops an upload of unknown length where it is too much, and leaves nothing of it', async () => {
  const caller = await limited(2);
  const { id, upload_url } = await createObject(caller);
  const endless = new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(65_536)) });
  // Some clients see the broken connection before they read the answer.
  expect(
    await put(upload_url, endless).then(
      ({ status }) => status,
      () => 429,
    ),
  ).toBe(429);
  await eventually(async () => (await files(id)) === 0);
  expect((await caller.call('GET', `/v1/objects/${id}`)).json).toMatchObject({ state: 'UPLOADING', size_bytes: null });
  expect(await used(caller)).toBe(0);
});

it('counts uploads that go on at the same time together', async () => {
  const caller = await limited(3);
  const wishes = await Promise.all(Array.from({ length: 8 }, () => createObject(caller)));
  const answers = await Promise.all(wishes.map(({ upload_url }) => put(upload_url, bytes(1))));
  const statuses = answers.map(({ status }) => status);
  expect(statuses.every((status) => status === 200 || status === 429)).toBe(true);
  expect(statuses.filter((status) => status === 200).length).toBeLessThanOrEqual(3);
  expect(await used(caller)).toBe(statuses.filter((status) => status === 200).length);
  await eventually(async () => {
    const counts = await Promise.all(wishes.map(({ id }) => files(id)));
    return counts.reduce((sum, count) => sum + count, 0) === statuses.filter((status) => status === 200).length;
  });
});

it('refuses at the end what another upload has taken the room of meanwhile', async () => {
  const caller = await limited(2);
  const slow = await createObject(caller);
  const request = http.request(slow.upload_url, { method: 'PUT' });
  request.write('x');
  await eventually(async () => (await files(slow.id)) === 1);
  await new AccountStore(server.server.parts.database).changeLimits(caller.account, { objectGib: 0 });
  const status = new Promise((resolve) => request.on('response', (answer) => resolve(answer.resume().statusCode)));
  request.end();
  expect(await status).toBe(429);
  await eventually(async () => (await files(slow.id)) === 0);
});

it('does not count what an upload takes the place of', async () => {
  const caller = await limited(2);
  const { upload_url } = await createObject(caller);
  expect((await put(upload_url, bytes(2))).status).toBe(200);
  expect((await put(upload_url, bytes(2))).status).toBe(200);
  expect(await used(caller)).toBe(2);
});
