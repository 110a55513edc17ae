import { randomBytes } from 'node:crypto';
import { toFile } from '@runloop/api-client';
import { describe, expect, it } from 'vitest';
import { refusal } from '../../platform/answers.ts';
import { output, useBox } from '../../platform/boxes.ts';
import { request, transports } from '../../platform/clients.ts';

describe.each(transports)('text files over %s (API §5)', (transport) => {
  const box = useBox(transport);
  const read = (file_path: string) => box.client.devboxes.readFileContents(box.id, { file_path });
  const write = (file_path: string, contents: string) =>
    box.client.devboxes.writeFileContents(box.id, { file_path, contents });

  it('come back as they were written', async () => {
    for (const contents of ['', 'plain\n', 'ü € 𝄞 \u0000 \r\n', '"quotes" $(x) `y` \\', ' spaces ']) {
      expect(await write('/tmp/text', contents)).toMatchObject({ devbox_id: box.id, exit_status: 0 });
      expect(await read('/tmp/text')).toBe(contents);
    }
  });

  it('are plain text in UTF-8', async () => {
    await write('/tmp/json.json', '{"not":"parsed"}');
    const body = '{"file_path":"/tmp/json.json"}';
    const answer = await request(`/v1/devboxes/${box.id}/read_file_contents`, { method: 'POST', body });
    expect(answer.headers.get('content-type')).toMatch(/^text\/plain; ?charset=utf-8$/i);
    expect(await answer.text()).toBe('{"not":"parsed"}');
  });

  it('are found by absolute, relative and ~ paths alike', async () => {
    await write('~/tilde.txt', 'tilde');
    await write('relative.txt', 'relative');
    await write('/home/user/absolute.txt', 'absolute');
    expect(await output(box.client, box.id, 'cat ~/tilde.txt ~/relative.txt ~/absolute.txt')).toBe(
      'tilderelativeabsolute',
    );
    expect([await read('tilde.txt'), await read('~/relative.txt'), await read('absolute.txt')]).toEqual([
      'tilde',
      'relative',
      'absolute',
    ]);
  });

  it('belong to the user, and keep the mode of what they overwrite', async () => {
    await write('mine', 'x');
    expect(await output(box.client, box.id, 'stat -c "%U:%G %a" mine')).toBe('user:user 644\n');
    await output(box.client, box.id, 'chmod 755 mine');
    await write('mine', 'shorter');
    expect(await output(box.client, box.id, 'stat -c %a mine; cat mine')).toBe('755\nshorter');
  });

  it('are written by the legacy alias write_file too', async () => {
    const contents = 'ü'.repeat(50 * 1024);
    const body = JSON.stringify({ file_path: 'legacy', contents });
    const answer = await request(`/v1/devboxes/${box.id}/write_file`, { method: 'POST', body });
    expect(answer.status).toBe(200);
    expect(await read('legacy')).toBe(contents);
  });

  it('say what is wrong in the words that integrations look for', async () => {
    await output(box.client, box.id, 'mkdir -p dir; echo x > file; sudo sh -c "echo s > /root/secret"; chmod 700 dir');
    const refusals: ReadonlyArray<readonly [() => PromiseLike<unknown>, RegExp]> = [
      [() => read('/no/such/file'), /does not exist/],
      [() => read('missing'), /does not exist/],
      [() => read('dir'), /is a directory/],
      [() => read('/etc/shadow'), /permission denied|os error 13/i],
      [() => read('/root/secret'), /permission denied|os error 13/i],
      [() => write('/etc/mine', 'x'), /permission denied|os error 13/i],
      [() => write('dir', 'x'), /is a directory/],
      [() => write('file/below', 'x'), /directory/i],
    ];
    for (const [call, text] of refusals) {
      expect(await refusal(call())).toMatchObject({ status: 400, message: expect.stringMatching(text) });
    }
  });

  it('refuses paths that are none', async () => {
    for (const path of ['', 'a\0b', `/tmp/${'x'.repeat(300)}`, `/${'x/'.repeat(3_000)}`]) {
      expect([path.slice(0, 20), (await refusal(read(path))).status]).toEqual([path.slice(0, 20), 400]);
      expect([path.slice(0, 20), (await refusal(write(path, 'x'))).status]).toEqual([path.slice(0, 20), 400]);
    }
  });

  it('reads what has no size of its own, and nothing that never ends', { timeout: 60_000 }, async () => {
    expect(await read('/proc/version')).toMatch(/^Linux/);
    const endless = await Promise.race([
      refusal(read('/dev/zero')),
      new Promise<'hangs'>((resolve) => setTimeout(() => resolve('hangs'), 30_000)),
    ]);
    expect(endless).toMatchObject({ status: 400 });
    await output(box.client, box.id, 'mkfifo pipe');
    const fifo = await Promise.race([
      refusal(read('pipe')),
      new Promise<'hangs'>((resolve) => setTimeout(() => resolve('hangs'), 30_000)),
    ]);
    expect(fifo).toMatchObject({ status: 400 });
  });
});

describe.each(transports)('uploads and downloads over %s (API §5)', (transport) => {
  const box = useBox(transport);
  const upload = async (path: string, bytes: Uint8Array, name = 'part.bin') =>
    box.client.devboxes.uploadFile(box.id, { path, file: await toFile(bytes, name) });
  const download = async (path: string) =>
    Buffer.from(await (await box.client.devboxes.downloadFile(box.id, { path })).arrayBuffer());

  it.each([0, 1, 4096, 1_000_003])('carry %d binary bytes there and back', async (size) => {
    const bytes = randomBytes(size);
    expect(await upload('/tmp/binary', bytes)).toBeDefined();
    expect((await download('/tmp/binary')).equals(bytes)).toBe(true);
    expect(await output(box.client, box.id, 'stat -c "%U %s" /tmp/binary')).toBe(`user ${size}\n`);
  });

  it('overwrite what is longer', async () => {
    await upload('over', Buffer.alloc(10_000, 1));
    await upload('over', Buffer.from('short'));
    expect((await download('over')).toString()).toBe('short');
  });

  it('land in the home by a bare name, below ~, and in a directory under their own name', async () => {
    await upload('bare.bin', Buffer.from('1'));
    await upload('~/tilde.bin', Buffer.from('2'));
    await upload('/tmp/', Buffer.from('3'), 'own-name.bin');
    await output(box.client, box.id, 'mkdir -p folder');
    await upload('folder', Buffer.from('4'), 'in-folder.bin');
    expect(await output(box.client, box.id, 'cat ~/bare.bin ~/tilde.bin /tmp/own-name.bin folder/in-folder.bin')).toBe(
      '1234',
    );
  });

  it('never let the name of a part leave the directory', async () => {
    const form = new FormData();
    form.append('path', '/tmp/');
    form.append('file', new Blob(['x']), '../../home/user/escaped');
    const answer = await fetch(`${box.client.baseURL}/v1/devboxes/${box.id}/upload_file`, {
      method: 'POST',
      body: form,
      headers: { authorization: `Bearer ${box.client.bearerToken}` },
    });
    expect([200, 400]).toContain(answer.status);
    expect(await output(box.client, box.id, 'ls ~/escaped 2>/dev/null || echo none')).toBe('none\n');
  });

  it('take their parts in any order', async () => {
    for (const order of [
      ['path', 'file'],
      ['file', 'path'],
    ]) {
      const form = new FormData();
      for (const part of order) {
        form.append(part, part === 'path' ? '/tmp/order' : new Blob([order.join()]));
      }
      const answer = await fetch(`${box.client.baseURL}/v1/devboxes/${box.id}/upload_file`, {
        method: 'POST',
        body: form,
        headers: { authorization: `Bearer ${box.client.bearerToken}` },
      });
      expect([answer.status, await answer.json()]).toEqual([200, {}]);
      expect((await download('/tmp/order')).toString()).toBe(order.join());
    }
  });

  it('download as raw bytes', async () => {
    await upload('raw', Buffer.from('{"json":1}'));
    const body = '{"path":"raw"}';
    const answer = await request(`/v1/devboxes/${box.id}/download_file`, { method: 'POST', body });
    expect(answer.headers.get('content-type')).toBe('application/octet-stream');
    expect(await answer.text()).toBe('{"json":1}');
  });

  it('say what is wrong', async () => {
    expect(await refusal(download('/no/such'))).toMatchObject({
      status: 400,
      message: expect.stringMatching(/does not exist/),
    });
    expect(await refusal(download('/tmp'))).toMatchObject({
      status: 400,
      message: expect.stringMatching(/is a directory/),
    });
    expect(await refusal(download('/etc/shadow'))).toMatchObject({
      status: 400,
      message: expect.stringMatching(/permission denied|os error 13/i),
    });
    expect(await refusal(upload('/etc/x', Buffer.from('x')))).toMatchObject({
      status: 400,
      message: expect.stringMatching(/permission denied|os error 13/i),
    });
  });

  it('refuse forms without a path or a file, and bodies that are no form', async () => {
    const only = (part: 'path' | 'file') => {
      const form = new FormData();
      form.append(part, part === 'path' ? '/tmp/x' : new Blob(['x']));
      return form;
    };
    for (const body of [only('path'), only('file'), '{"path":"/tmp/x"}']) {
      const answer = await fetch(`${box.client.baseURL}/v1/devboxes/${box.id}/upload_file`, {
        method: 'POST',
        body,
        headers: { authorization: `Bearer ${box.client.bearerToken}` },
      });
      expect([400, 415]).toContain(answer.status);
    }
  });
});
