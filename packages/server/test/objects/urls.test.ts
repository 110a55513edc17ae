import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TestCaller, TestServer } from '../harness.ts';
import { createObject, makeObject, startObjectServer } from './kit.ts';

let server: TestServer & { readonly blobs: string };
let caller: TestCaller;
beforeAll(async () => {
  server = await startObjectServer({ maximumBytes: 1_000_000 });
  caller = await server.newCaller();
});
afterAll(() => server.close());

const downloadUrl = async (id: string, seconds = 60): Promise<string> =>
  (await caller.call('GET', `/v1/objects/${id}/download?duration_seconds=${seconds}`)).json.download_url;

const refusal = async (url: string, init: RequestInit = {}) => {
  const answer = await fetch(url, init);
  return { status: answer.status, code: ((await answer.json()) as { code: string }).code };
};

describe('a presigned URL', () => {
  it('is of one method', async () => {
    const { id, upload_url } = await createObject(caller);
    expect(await refusal(upload_url)).toEqual({ status: 403, code: 'presignedUrlInvalid' });
    await fetch(upload_url, { method: 'PUT', body: 'x' });
    await caller.call('POST', `/v1/objects/${id}/complete`, '');
    const put = { method: 'PUT', body: 'y' };
    expect(await refusal(await downloadUrl(id), put)).toEqual({ status: 403, code: 'presignedUrlInvalid' });
  });

  it('is of one object', async () => {
    const [one, other] = [await makeObject(caller, 'one'), await makeObject(caller, 'other')];
    const url = (await downloadUrl(one)).replace(one, other);
    expect(await refusal(url)).toEqual({ status: 403, code: 'presignedUrlInvalid' });
  });

  it('cannot be prolonged or altered', async () => {
    const url = new URL(await downloadUrl(await makeObject(caller, 'x')));
    for (const [name, value] of [
      ['expires', '9999999999'],
      ['signature', 'A'.repeat(43)],
      ['signature', ''],
      ['signature', 'ü'],
    ] as const) {
      const altered = new URL(url);
      altered.searchParams.set(name, value);
      expect(await refusal(altered.href)).toEqual({ status: 403, code: 'presignedUrlInvalid' });
    }
    url.searchParams.delete('signature');
    expect((await refusal(url.href)).status).toBe(400);
  });

  it('expires', async () => {
    const url = await downloadUrl(await makeObject(caller, 'x'), 1);
    expect((await fetch(url)).status).toBe(200);
    await new Promise((resolve) => setTimeout(resolve, 2_100));
    expect(await refusal(url)).toEqual({ status: 403, code: 'presignedUrlExpired' });
  });

  it('of another server is worth nothing here', async () => {
    const another = await startObjectServer();
    const id = await makeObject(caller, 'x');
    const foreign = another.server.parts.objects.links.url('GET', id, 60_000, { host: new URL(server.baseUrl).host });
    expect(await refusal(foreign)).toEqual({ status: 403, code: 'presignedUrlInvalid' });
    await another.close();
  });

  it.each([
    [{ host: 'berth.example:8080' }, 'http://berth.example:8080/'],
    [{ host: 'berth.example', 'x-forwarded-proto': 'https' }, 'https://berth.example/'],
    [{ host: '127.0.0.1:1' }, 'http://10.9.0.1:80'],
    [{ host: 'localhost' }, 'http://10.9.0.1:80'],
    [{ ':authority': 'localhost:7' }, 'http://10.9.0.1:80'],
    [{ host: 'a b/../c' }, 'http://10.9.0.1:80'],
  ])('begins where the caller, and a box, reach the server: %j', async (headers, begin) => {
    const { PresignedLinks } = await import('../../src/objects/links.ts');
    const masterKey = { sign: () => 'signed' };
    const doored = new PresignedLinks({ masterKey, doorUrl: () => 'http://10.9.0.1:80' });
    expect(doored.url('GET', 'obj', 1_000, headers).startsWith(begin)).toBe(true);
    const named = new PresignedLinks({ masterKey, publicUrl: 'https://public.example/berth/' });
    expect(named.url('GET', 'obj', 1_000, headers)).toMatch(
      /^https:\/\/public\.example\/berth\/v1\/objects\/obj\/content\?/,
    );
  });
});
