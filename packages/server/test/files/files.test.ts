import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { connect as connectHttp2 } from 'node:http2';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DevboxServer, eventually, runningBox, startDevboxServer } from '../devboxes/kit.ts';

let server: DevboxServer;
let id: string;
beforeAll(async () => {
  server = await startDevboxServer();
  id = await runningBox(server.caller);
});
afterAll(() => server.close());

const post = (path: string, body: unknown) => server.caller.call('POST', `/v1/devboxes/${id}/${path}`, body);
const write = (file_path: string, contents: string) => post('write_file_contents', { file_path, contents });
const read = (file_path: string) => post('read_file_contents', { file_path });
const download = (path: string) =>
  server.caller.fetch(`/v1/devboxes/${id}/download_file`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ path }),
  });

/** A multipart body with its parts in the order given. */
const form = (parts: ReadonlyArray<readonly [name: string, value: string | Uint8Array, fileName?: string]>): Buffer =>
  Buffer.concat([
    ...parts.flatMap(([name, value, fileName]) => [
      Buffer.from(
        `--edge\r\ncontent-disposition: form-data; name="${name}"${
          fileName === undefined ? '' : `; filename="${fileName}"\r\ncontent-type: application/octet-stream`
        }\r\n\r\n`,
      ),
      Buffer.from(value),
      Buffer.from('\r\n'),
    ]),
    Buffer.from('--edge--\r\n'),
  ]);
const upload = (body: Uint8Array, contentType = 'multipart/form-data; boundary=edge') =>
  server.caller.fetch(`/v1/devboxes/${id}/upload_file`, {
    method: 'POST',
    headers: { 'content-type': contentType },
    body: new Uint8Array(body),
  });
const bytesOf = async (path: string): Promise<Buffer> => Buffer.from(await (await download(path)).arrayBuffer());
const binary = Buffer.from(Array.from({ length: 100_000 }, (_, index) => (index * 7) & 0xff));
const spools = async () => (await readdir(tmpdir())).filter((name) => name.startsWith('berth-upload-'));

describe('text files', () => {
  it('are written and read back exactly, by absolute, relative and home paths', async () => {
    const text = 'Grüße ✓ 𝄞\r\n\nno end of line';
    expect((await write('notes.txt', text)).json).toEqual({
      devbox_id: id,
      exit_status: 0,
      stdout: '',
      stderr: '',
      shell_name: null,
    });
    for (const path of ['notes.txt', '~/notes.txt', '/home/user/notes.txt']) {
      const answer = await read(path);
      expect(answer.json).toBe(text);
      expect(answer.headers.get('content-type')).toBe('text/plain; charset=utf-8');
    }
  });

  it('are written by the older name too, and may be empty or large', async () => {
    const large = 'é'.repeat(100 * 1024);
    expect((await post('write_file', { file_path: 'large', contents: large })).status).toBe(200);
    expect((await read('large')).json).toBe(large);
    await write('empty', '');
    const empty = await read('empty');
    expect(empty).toMatchObject({ status: 200, json: '' });
    const huge = 'x'.repeat(20 * 1024 * 1024);
    expect((await write('huge', huge)).status).toBe(200);
  });

  it('get missing directories made', async () => {
    expect((await write('/home/user/a/b/c.txt', 'x')).status).toBe(200);
    expect((await read('a/b/c.txt')).json).toBe('x');
  });
});

describe('errors that integrators match', () => {
  it.each([
    ['missing', () => read('nothing'), 'does not exist'],
    ['missing on download', () => post('download_file', { path: '/nothing' }), 'does not exist'],
    ['directory', () => read('/tmp'), 'is a directory'],
    ['directory on download', () => post('download_file', { path: '/tmp' }), 'is a directory'],
    ['directory on write', () => write('/tmp', 'x'), 'is a directory'],
    ['permission', () => read('/root/secret'), 'permission denied'],
    ['permission on write', () => write('/etc/passwd', 'x'), 'permission denied'],
    ['a file in the way', () => write('plain', 'x').then(() => write('plain/below', 'x')), 'not a directory'],
  ])('%s: 400', async (_title, call, text) => {
    const answer = await call();
    expect(answer.status).toBe(400);
    expect(answer.json.message).toContain(text);
  });

  it.each([[{}], [{ file_path: '' }], [{ file_path: 'a\0b' }], [{ file_path: 'x'.repeat(4_097) }], [{ file_path: 5 }]])(
    'refuses the path of %j',
    async (body) => {
      expect((await post('read_file_contents', body)).status).toBe(400);
      expect((await post('write_file_contents', { contents: 'x', ...body })).status).toBe(400);
    },
  );
});

describe('upload and download', () => {
  it.each([
    [
      'path first',
      (path: string) =>
        form([
          ['path', path],
          ['file', binary, 'up.bin'],
        ]),
    ],
    [
      'file first',
      (path: string) =>
        form([
          ['file', binary, 'up.bin'],
          ['path', path],
        ]),
    ],
    [
      'other parts between',
      (path: string) =>
        form([
          ['x', '1'],
          ['path', path],
          ['y', '2'],
          ['file', binary, 'f'],
        ]),
    ],
    [
      'no file name',
      (path: string) =>
        form([
          ['path', path],
          ['file', binary],
        ]),
    ],
  ])('keeps every byte with %s', async (title, make) => {
    const path = `/home/user/${title.replaceAll(' ', '-')}.bin`;
    const answer = await upload(make(path));
    expect([answer.status, await answer.json()]).toEqual([200, {}]);
    expect((await bytesOf(path)).equals(binary)).toBe(true);
    expect((await download(path)).headers.get('content-type')).toBe('application/octet-stream');
    expect(await spools()).toEqual([]);
  });

  it('overwrites, takes empty files, relative paths, and puts a file into a directory by its name', async () => {
    await upload(
      form([
        ['path', 'over.txt'],
        ['file', 'a longer first content', 'f'],
      ]),
    );
    await upload(
      form([
        ['path', 'over.txt'],
        ['file', 'short', 'f'],
      ]),
    );
    expect((await bytesOf('/home/user/over.txt')).toString()).toBe('short');
    expect(
      (
        await upload(
          form([
            ['path', 'none'],
            ['file', '', 'f'],
          ]),
        )
      ).status,
    ).toBe(200);
    expect(await bytesOf('none')).toHaveLength(0);
    for (const path of ['/tmp/', '/tmp']) {
      expect(
        (
          await upload(
            form([
              ['path', path],
              ['file', path, 'named.txt'],
            ]),
          )
        ).status,
      ).toBe(200);
      expect((await bytesOf('/tmp/named.txt')).toString()).toBe(path);
    }
  });

  it('does not let a file name lead out of the directory', async () => {
    for (const name of ['../../etc/cron', '..', '.', '/etc/cron']) {
      const answer = await upload(
        form([
          ['path', '/tmp/'],
          ['file', 'x', name],
        ]),
      );
      const written = answer.status === 200 ? await read(`/tmp/cron`) : undefined;
      // Either refused, or only its last part is used.
      expect(written === undefined || written.json === 'x').toBe(true);
    }
    expect((await read('/etc/cron')).status).toBe(400);
  });

  it.each([
    ['no path', form([['file', 'x', 'f']])],
    ['no file', form([['path', '/tmp/x']])],
    [
      'two files',
      form([
        ['path', '/tmp/x'],
        ['file', 'x', 'f'],
        ['file', 'y', 'g'],
      ]),
    ],
    [
      'an empty path',
      form([
        ['path', ''],
        ['file', 'x', 'f'],
      ]),
    ],
    [
      'a long path',
      form([
        ['path', 'p'.repeat(9_000)],
        ['file', 'x', 'f'],
      ]),
    ],
    [
      'many parts',
      form([...Array.from({ length: 30 }, (_, at) => [`f${at}`, 'x'] as const), ['path', 'a'], ['file', 'x', 'f']]),
    ],
    ['nothing', Buffer.from('')],
    ['no form', Buffer.from('just text')],
    [
      'a form cut off in the file',
      form([
        ['path', '/home/user/cut'],
        ['file', binary, 'f'],
      ]).subarray(0, 5_000),
    ],
    [
      'a form cut off before the path',
      form([
        ['file', binary, 'f'],
        ['path', '/home/user/cut'],
      ]).subarray(0, 100_100),
    ],
  ])('refuses %s with 400, and writes nothing', async (_title, body) => {
    const answer = await upload(body);
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ message: expect.any(String) });
    expect((await read('/home/user/cut')).status).toBe(400);
    expect(await spools()).toEqual([]);
  });

  it('refuses what is no form with 415, and a form without boundary', async () => {
    expect((await upload(Buffer.from('{}'), 'application/json')).status).toBe(415);
    expect((await upload(Buffer.from('x'), 'multipart/form-data')).status).toBe(400);
  });

  it('answers the errors of the box', async () => {
    const denied = await upload(
      form([
        ['path', '/etc/passwd'],
        ['file', binary, 'f'],
      ]),
    );
    expect(denied.status).toBe(400);
    expect(await denied.json()).toMatchObject({ message: expect.stringContaining('permission denied') });
  });

  it.each([
    [
      'path first',
      form([
        ['path', '/home/user/half'],
        ['file', binary, 'f'],
      ]),
    ],
    [
      'file first',
      form([
        ['file', binary, 'f'],
        ['path', '/home/user/half'],
      ]),
    ],
  ])('writes nothing of an upload whose sender vanished (HTTP/1.1, %s)', async (_title, body) => {
    const before = server.server.frontDoor.connections;
    const socket = connect(server.port, '127.0.0.1');
    await once(socket, 'connect');
    socket.write(
      `POST /v1/devboxes/${id}/upload_file HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${server.caller.key}\r\n` +
        `content-type: multipart/form-data; boundary=edge\r\ncontent-length: ${body.length}\r\n\r\n`,
    );
    socket.write(body.subarray(0, 60_000));
    await new Promise((resolve) => setTimeout(resolve, 30));
    socket.destroy();
    await eventually(() => server.server.frontDoor.connections <= before);
    expect((await read('/home/user/half')).json.message).toContain('does not exist');
    await eventually(async () => (await spools()).length === 0);
  });

  it('writes nothing of an upload whose stream was reset (HTTP/2)', async () => {
    const session = connectHttp2(server.baseUrl);
    const stream = session.request({
      ':method': 'POST',
      ':path': `/v1/devboxes/${id}/upload_file`,
      authorization: `Bearer ${server.caller.key}`,
      'content-type': 'multipart/form-data; boundary=edge',
    });
    stream.on('error', () => undefined);
    stream.write(
      form([
        ['path', '/home/user/half2'],
        ['file', binary, 'f'],
      ]).subarray(0, 60_000),
    );
    await new Promise((resolve) => setTimeout(resolve, 30));
    stream.close(8);
    await once(stream, 'close');
    session.close();
    await once(session, 'close');
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect((await read('/home/user/half2')).json.message).toContain('does not exist');
  });
});
