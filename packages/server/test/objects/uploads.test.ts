import http from 'node:http';
import http2 from 'node:http2';
import net from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../devboxes/kit.ts';
import type { TestCaller, TestServer } from '../harness.ts';
import { blobFiles, createObject, startObjectServer } from './kit.ts';

const maximumBytes = 1_000_000;
let server: TestServer & { readonly blobs: string };
let caller: TestCaller;
beforeAll(async () => {
  server = await startObjectServer({ maximumBytes });
  caller = await server.newCaller();
});
afterAll(() => server.close());

const nothingIsKept = () => eventually(async () => (await blobFiles(server.blobs)).length === 0);
const looseRows = async () =>
  (await server.server.parts.database.selectFrom('loose_blobs').selectAll().execute()).length;

const state = async (id: string) => (await caller.call('GET', `/v1/objects/${id}`)).json;

describe('an upload over HTTP/1.1', () => {
  it('may be chunked, and lasts as long as it makes progress', async () => {
    const { id, upload_url } = await createObject(caller);
    const request = http.request(upload_url, { method: 'PUT' });
    for (let count = 0; count < 5; count++) {
      request.write('x'.repeat(1_000));
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const status = new Promise((resolve) => request.on('response', (answer) => resolve(answer.resume().statusCode)));
    request.end();
    expect(await status).toBe(200);
    expect(await state(id)).toMatchObject({ size_bytes: 5_000 });
    await caller.call('POST', `/v1/objects/${id}/delete`, '');
    await nothingIsKept();
  });

  it.each([
    ['with its length announced', { 'content-length': '900000' }],
    ['in chunks', {}],
  ])('that breaks off %s leaves nothing', async (_how, headers) => {
    const { id, upload_url } = await createObject(caller);
    const request = http.request(upload_url, { method: 'PUT', headers });
    request.on('error', () => undefined);
    request.write('x'.repeat(300_000));
    await eventually(async () => (await blobFiles(server.blobs)).length === 1);
    request.destroy();
    await nothingIsKept();
    expect(await state(id)).toMatchObject({ state: 'UPLOADING', size_bytes: null });
    await eventually(async () => (await looseRows()) === 0);
    expect((await fetch(upload_url, { method: 'PUT', body: 'whole' })).status).toBe(200);
    await caller.call('POST', `/v1/objects/${id}/delete`, '');
    await nothingIsKept();
  });

  it('is refused beyond the bound, announced or not', async () => {
    const { upload_url } = await createObject(caller);
    const large = await fetch(upload_url, { method: 'PUT', body: new Uint8Array(maximumBytes + 1) });
    expect(large.status).toBe(413);
    const body = new ReadableStream({
      pull: (controller) => controller.enqueue(new Uint8Array(65_536)),
    });
    const endless = fetch(upload_url, { method: 'PUT', body, duplex: 'half' } as RequestInit);
    // Some clients see the broken connection before they read the answer.
    expect(await endless.then(({ status }) => status).catch(() => 413)).toBe(413);
    await nothingIsKept();
  });

  it('needs neither key nor content type, and whatever is sent of them changes nothing', async () => {
    const { id, upload_url } = await createObject(caller);
    const headers = { authorization: 'Bearer nonsense', 'content-type': 'application/json' };
    expect((await fetch(upload_url, { method: 'PUT', body: '{"not": json', headers })).status).toBe(200);
    await caller.call('POST', `/v1/objects/${id}/delete`, '');
    await nothingIsKept();
  });
});

describe('an upload over HTTP/2', () => {
  const connect = () => {
    const socket = net.connect(server.port, '127.0.0.1');
    const session = http2.connect(server.baseUrl, { createConnection: () => socket });
    session.on('error', () => undefined);
    return { session, socket };
  };

  it('is kept', async () => {
    const { id, upload_url } = await createObject(caller);
    const { session } = connect();
    const stream = session.request({ ':method': 'PUT', ':path': upload_url.slice(server.baseUrl.length) });
    const status = new Promise((resolve) => stream.on('response', (headers) => resolve(headers[':status'])));
    stream.end('x'.repeat(200_000));
    stream.resume();
    expect(await status).toBe(200);
    session.close();
    expect(await state(id)).toMatchObject({ size_bytes: 200_000 });
    await caller.call('POST', `/v1/objects/${id}/delete`, '');
    await nothingIsKept();
  });

  it.each([
    ['whose stream is reset', { 'content-length': '90000' }, (stream: http2.ClientHttp2Stream) => stream.close(8)],
    ['whose connection is cut', {}, (_stream: http2.ClientHttp2Stream, socket: net.Socket) => socket.destroy()],
  ])('%s leaves nothing', async (_how, headers, cut) => {
    const { id, upload_url } = await createObject(caller);
    const { session, socket } = connect();
    const path = upload_url.slice(server.baseUrl.length);
    const stream = session.request({ ':method': 'PUT', ':path': path, ...headers });
    stream.on('error', () => undefined);
    stream.write('x'.repeat(60_000));
    await eventually(async () => (await blobFiles(server.blobs)).length === 1);
    cut(stream, socket);
    await nothingIsKept();
    expect(await state(id)).toMatchObject({ state: 'UPLOADING', size_bytes: null });
    session.close();
  });
});
