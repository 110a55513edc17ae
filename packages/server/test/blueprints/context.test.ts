import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type DevboxServer, startDevboxServer } from '../devboxes/kit.ts';
import type { TestCaller } from '../harness.ts';
import { base, begin, built, untilStatus } from './kit.ts';

let server: DevboxServer;
beforeAll(async () => {
  server = await startDevboxServer();
});
afterAll(() => server.close());
afterEach(() => {
  server.host.holdBuilds(false);
  server.host.setUnreachable(false);
});

const post = (path: string, body: unknown = '') => server.caller.call('POST', path, body);

const makeObject = async (caller: TestCaller, content: string, type = 'tgz'): Promise<string> => {
  const { json } = await caller.call('POST', '/v1/objects', { name: 'context', content_type: type });
  await fetch(json.upload_url, { method: 'PUT', body: content });
  await caller.call('POST', `/v1/objects/${json.id}/complete`, '');
  return json.id;
};

const contextOf = (objectId: string) => ({ type: 'object', object_id: objectId });

describe('a build context', () => {
  it('is the object as it was uploaded, which may be deleted once the build has ended', async () => {
    const object = await makeObject(server.caller, 'bytes of an archive');
    const view = await built(server.caller, { dockerfile: 'FROM x\nCOPY . .', build_context: contextOf(object) });
    expect(view).toMatchObject({ status: 'build_complete', parameters: { build_context: contextOf(object) } });
    expect(Buffer.from(server.host.buildContext(view.id) ?? '').toString()).toBe('bytes of an archive');
    await post(`/v1/objects/${object}/delete`);
    expect((await server.caller.call('GET', `${base}/${view.id}`)).json.status).toBe('build_complete');
  });

  it('has to be there, complete, an archive, and of the account', async () => {
    const create = async (objectId: string, caller = server.caller) =>
      (await caller.call('POST', base, { name: 'x', build_context: contextOf(objectId) })).json.code;
    expect(await create('nonsense')).toBe('unknownSource');
    expect(await create('obj_000000000000000000000')).toBe('unknownSource');
    const { json: begun } = await post('/v1/objects', { name: 'half', content_type: 'tgz' });
    expect(await create(begun.id)).toBe('objectNotReadable');
    expect(await create(await makeObject(server.caller, 'words', 'text'))).toBe('invalidRequest');
    const object = await makeObject(server.caller, 'bytes');
    expect(await create(object, await server.newCaller('other'))).toBe('unknownSource');
  });

  it('that is deleted before the build is handed over fails it', async () => {
    const object = await makeObject(server.caller, 'bytes');
    server.host.setUnreachable(true);
    const id = await begin(server.caller, { build_context: contextOf(object) });
    await post(`/v1/objects/${object}/delete`);
    server.host.setUnreachable(false);
    const view = await untilStatus(server.caller, id, 'failed', 'build_complete');
    expect(view.failure_message).toContain(object);
  });

  it('is sent again when the host has lost the build', async () => {
    const object = await makeObject(server.caller, 'bytes');
    server.host.failNextBuild('host_lost');
    const view = await built(server.caller, { build_context: contextOf(object) });
    expect(view.status).toBe('build_complete');
    expect(Buffer.from(server.host.buildContext(view.id) ?? '').toString()).toBe('bytes');
  });
});
