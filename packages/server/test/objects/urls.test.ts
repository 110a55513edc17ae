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

  it.each(['0', '-1', '604801', '1e3', '1.5', 'NaN', '', '99999999999999999999'])(
    'is not made for duration_seconds=%j',
    async (seconds) => {
      const id = await makeObject(caller, 'x');
      const answer = await caller.call('GET', `/v1/objects/${id}/download?duration_seconds=${seconds}`);
      expect(answer).toMatchObject({ status: 400, json: { code: 'invalidRequest' } });
    },
  );

  it('is good for a week at most, and an hour unless said', async () => {
    const id = await makeObject(caller, 'x');
    const secondsOf = async (query: string) => {
      const { json } = await caller.call('GET', `/v1/objects/${id}/download${query}`);
      return Number(new URL(json.download_url).searchParams.get('expires')) - Date.now() / 1000;
    };
    for (const [query, seconds] of [['?duration_seconds=604800', 604_800] as const, ['', 3_600] as const]) {
      const left = await secondsOf(query);
      expect(left).toBeGreaterThan(seconds - 300);
      expect(left).toBeLessThan(seconds + 2);
    }
  });

  it.each(['bytes=0-0', 'bytes=9-1', 'bytes=-99999999999999999999', `bytes=${'0-0,'.repeat(2_000)}1-1`, 'bytes=abc'])(
    'gives the whole content, whatever part is asked for: %.30s',
    async (range) => {
      const answer = await fetch(await downloadUrl(await makeObject(caller, 'whole')), { headers: { range } });
      expect(answer.status).toBe(200);
      expect(answer.headers.get('content-length')).toBe('5');
      expect(await answer.text()).toBe('whole');
    },
  );

  it('leads to the bytes whatever the object is called', async () => {
    for (const name of [
      '../../etc/passwd',
      'a\r\nset-cookie: x=1',
      '"; filename=x',
      '/',
      '\u202egpj',
      '\u0001\u007f',
    ]) {
      const id = await makeObject(caller, name, { name });
      expect((await caller.call('GET', `/v1/objects/${id}`)).json.name).toBe(name);
      const answer = await fetch(await downloadUrl(id));
      expect(await answer.text()).toBe(name);
      expect(answer.headers.get('content-disposition')).toBe('attachment');
      expect(answer.headers.has('set-cookie')).toBe(false);
    }
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
