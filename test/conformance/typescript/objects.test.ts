import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { refusal, unknownId } from '../../platform/answers.ts';
import { output, run, useBox } from '../../platform/boxes.ts';
import { rawClient, request, sdkClient, transports } from '../../platform/clients.ts';

describe.each(transports)('objects over %s (API §13)', (transport) => {
  const client = rawClient(transport);
  const sdk = sdkClient(transport);

  it('live: created, uploaded, complete, listed, read, deleted', async () => {
    const created = await client.objects.create({
      name: `life ${transport}`,
      content_type: 'text',
      metadata: { suite: transport },
      ttl_ms: 3_600_000,
    });
    expect(created).toMatchObject({ state: 'UPLOADING', metadata: { suite: transport } });
    expect(created.delete_after_time_ms).toBe(created.create_time_ms + 3_600_000);
    const put = await fetch(String(created.upload_url), { method: 'PUT', body: 'hello\n' });
    expect(put.status).toBe(200);
    expect(await client.objects.complete(created.id)).toMatchObject({ state: 'READ_ONLY', size_bytes: 6 });
    expect((await refusal(client.objects.complete(created.id))).status).toBe(409);
    const listed = await client.objects.list({ name: `life ${transport}`, content_type: 'text', state: 'READ_ONLY' });
    expect(listed.objects.map(({ id }) => id)).toEqual([created.id]);
    const { download_url } = await client.objects.download(created.id, { duration_seconds: 60 });
    expect(await (await fetch(download_url)).text()).toBe('hello\n');
    expect(await client.objects.delete(created.id)).toMatchObject({ state: 'DELETED' });
    expect(await client.objects.retrieve(created.id)).toMatchObject({ state: 'DELETED' });
    expect((await refusal(client.objects.download(created.id))).status).toBe(400);
    expect((await refusal(client.objects.retrieve(unknownId('obj')))).status).toBe(404);
  });

  it('come by the helpers of the client: text, bytes, file, directory', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'berth-objects-'));
    mkdirSync(join(folder, 'sub'));
    writeFileSync(join(folder, 'sub/one.txt'), 'of a directory\n');
    const bytes = randomBytes(3_000_000);
    writeFileSync(join(folder, 'file.bin'), bytes);
    try {
      const text = await sdk.storageObject.uploadFromText('ü € 𝄞\r\n', 'text.txt');
      expect(await text.downloadAsText()).toBe('ü € 𝄞\r\n');
      const buffer = await sdk.storageObject.uploadFromBuffer(bytes, 'bytes', 'binary', {});
      expect((await buffer.downloadAsBuffer()).equals(bytes)).toBe(true);
      const file = await sdk.storageObject.uploadFromFile(join(folder, 'file.bin'), 'file.bin');
      expect((await file.downloadAsBuffer()).equals(bytes)).toBe(true);
      const directory = await sdk.storageObject.uploadFromDir(join(folder, 'sub'), { name: 'sub.tgz' });
      expect(await directory.getInfo()).toMatchObject({ content_type: 'tgz', state: 'READ_ONLY' });
      const empty = await sdk.storageObject.uploadFromText('', 'empty');
      expect(await empty.downloadAsText()).toBe('');
      for (const object of [text, buffer, file, directory, empty]) {
        await object.delete();
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('presigned URLs inside a box', () => {
  const box = useBox();
  const client = rawClient();

  it('are uploaded to and downloaded from with curl, and lead nowhere else', async () => {
    const { id, upload_url } = await client.objects.create({ name: 'from a box', content_type: 'binary' });
    const make = 'head -c 5000000 /dev/urandom > made && sha256sum < made';
    const digest = await output(box.client, box.id, make);
    const upload = `curl -sS -o /dev/null -w '%{http_code}' -T made '${upload_url}'`;
    expect(await output(box.client, box.id, upload)).toBe('200');
    const stream = `tar -cf - made | curl -sS -o /dev/null -w '%{http_code}' -T - '${upload_url}'`;
    expect(await output(box.client, box.id, stream)).toBe('200');
    expect(await output(box.client, box.id, upload)).toBe('200');
    expect(await client.objects.complete(id)).toMatchObject({ size_bytes: 5_000_000 });
    const { download_url } = await client.objects.download(id);
    const download = `curl -sS '${download_url}' | sha256sum`;
    expect(await output(box.client, box.id, download)).toBe(digest);

    const origin = new URL(download_url).origin;
    const probe = (path: string) => `curl -sS -o /dev/null -w '%{http_code} ' '${origin}${path}'; `;
    const paths = ['/v1/devboxes', '/v1/objects', '/healthz', '/metrics', '/openapi.json', '/'];
    expect((await run(box.client, box.id, paths.map(probe).join(''))).stdout).toBe('404 '.repeat(paths.length));
    await client.objects.delete(id);
  });

  it('are of use outside too, at the address of the API as well', async () => {
    const { id, upload_url } = await client.objects.create({ name: 'outside', content_type: 'text' });
    const { pathname, search } = new URL(String(upload_url));
    expect((await request(pathname + search, { method: 'PUT', body: 'x', key: null })).status).toBe(200);
    expect((await fetch(String(upload_url), { method: 'PUT', body: 'yy' })).status).toBe(200);
    expect(await client.objects.complete(id)).toMatchObject({ size_bytes: 2 });
    await client.objects.delete(id);
  });
});
