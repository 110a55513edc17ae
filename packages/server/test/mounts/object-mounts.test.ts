import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DevboxServer, execute, runningBox, startDevboxServer, waitFor } from '../devboxes/kit.ts';
import { createObject, makeObject } from '../objects/kit.ts';

let server: DevboxServer;
beforeAll(async () => {
  server = await startDevboxServer();
});
afterAll(() => server.close());

/** A ustar archive of one file. */
const archive = (path: string, content: string): Buffer => {
  const header = Buffer.alloc(512);
  header.write(path, 0);
  header.write('0000644\0', 100);
  header.write('0001750\0', 108);
  header.write('0001750\0', 116);
  header.write(`${Buffer.byteLength(content).toString(8).padStart(11, '0')}\0`, 124);
  header.write('00000000000\0', 136);
  header.write('        ', 148);
  header.write('0', 156);
  header.write('ustar\x0000', 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  const body = Buffer.alloc(Math.ceil(Buffer.byteLength(content) / 512) * 512);
  body.write(content);
  return Buffer.concat([header, body, Buffer.alloc(1024)]);
};

const object = (content: string | Uint8Array, content_type: string): Promise<string> =>
  makeObject(server.caller, typeof content === 'string' ? content : Uint8Array.from(content), { content_type });

const mounted = (...mounts: Array<readonly [string, string]>) => ({
  mounts: mounts.map(([object_id, object_path]) => ({ type: 'object_mount', object_id, object_path })),
});

describe('an object mount', () => {
  it.each(['text', 'binary', 'unspecified'])('of type %s is the file itself', async (type) => {
    const id = await object('as it is\n', type);
    const box = await runningBox(server.caller, mounted([id, '/home/user/deep/file']));
    expect((await execute(server.caller, box, 'cat deep/file')).stdout).toBe('as it is\n');
  });

  it('of a compressed file is that file, of an archive a directory', async () => {
    const ids = await Promise.all([
      object(gzipSync('unpacked\n'), 'gzip'),
      object(archive('./sub/one.txt', 'of tar\n'), 'tar'),
      object(gzipSync(archive('./sub/one.txt', 'of tgz\n')), 'tgz'),
    ]);
    const [gzip = '', tar = '', tgz = ''] = ids;
    const box = await runningBox(
      server.caller,
      mounted([gzip, '/home/user/plain'], [tar, '/home/user/tar'], [tgz, '/opt/tgz']),
    );
    const read = async (path: string) => (await execute(server.caller, box, `cat ${path}`)).stdout;
    expect(await read('plain')).toBe('unpacked\n');
    expect(await read('tar/sub/one.txt')).toBe('of tar\n');
    expect(await read('/opt/tgz/sub/one.txt')).toBe('of tgz\n');
  });

  it('is not placed again after a suspension, nor in a fork', async () => {
    const id = await object('first', 'text');
    const box = await runningBox(server.caller, mounted([id, '/home/user/file']));
    await execute(server.caller, box, 'echo changed > /home/user/file');
    await server.caller.call('POST', `/v1/objects/${id}/delete`, '');
    await server.caller.call('POST', `/v1/devboxes/${box}/suspend`, '');
    await waitFor(server.caller, box, 'suspended');
    await server.caller.call('POST', `/v1/devboxes/${box}/resume`, '');
    await waitFor(server.caller, box, 'running');
    expect((await execute(server.caller, box, 'cat file')).stdout).toBe('changed\n');
    const [fork] = (await server.caller.call('POST', `/v1/devboxes/${box}/fork`, {})).json.devboxes;
    await waitFor(server.caller, fork.id, 'running');
    expect((await execute(server.caller, fork.id, 'cat file')).stdout).toBe('changed\n');
  });

  it('of a public object of another account works', async () => {
    const other = await server.newCaller('publisher');
    const id = await makeObject(other, 'public', { is_public: true });
    const box = await runningBox(server.caller, mounted([id, '/home/user/file']));
    expect((await execute(server.caller, box, 'cat file')).stdout).toBe('public');
  });
});

describe('an object that cannot be mounted', () => {
  const create = async (mounts: unknown) => {
    const { status, json } = await server.caller.call('POST', '/v1/devboxes', { mounts });
    return { status, code: json.code };
  };
  const mount = (object_id: string, object_path = '/home/user/x') => [{ type: 'object_mount', object_id, object_path }];

  it('is refused with the create', async () => {
    const stranger = await server.newCaller('stranger');
    const foreign = await makeObject(stranger, 'secret');
    expect(await create(mount(foreign))).toEqual({ status: 400, code: 'unknownSource' });
    expect(await create(mount('obj_nonsense'))).toEqual({ status: 400, code: 'unknownSource' });
    const { id } = await createObject(server.caller);
    expect(await create(mount(id))).toEqual({ status: 400, code: 'objectNotReadable' });
    const deleted = await makeObject(server.caller, 'x');
    await server.caller.call('POST', `/v1/objects/${deleted}/delete`, '');
    expect(await create(mount(deleted))).toEqual({ status: 400, code: 'objectNotReadable' });
    const fine = await makeObject(server.caller, 'x');
    expect(await create(mount(fine, 'relative'))).toEqual({ status: 400, code: 'invalidRequest' });
    expect(await create([...mount(fine), ...mount(fine)])).toEqual({ status: 400, code: 'invalidRequest' });
    expect(await create([{ type: 'object_mount', object_id: fine }])).toEqual({ status: 400, code: 'invalidRequest' });
  });

  it.each([
    ['gzip', 'not compressed', 'not gzip, or damaged'],
    ['gzip', gzipSync('x'.repeat(10_000)).subarray(0, 20), 'not gzip, or damaged'],
    ['tgz', 'not an archive', 'archive is damaged'],
    ['tar', Buffer.alloc(2_000, 7), 'archive is damaged'],
    ['tar', archive('../out', 'x'), 'points outside'],
  ])('as %s fails the box and says why', async (type, content, why) => {
    const id = await object(content, type);
    const { json } = await server.caller.call('POST', '/v1/devboxes', { ...mounted([id, '/home/user/x']) });
    const view = await waitFor(server.caller, json.id, 'failure', 'running');
    expect(view).toMatchObject({ status: 'failure', failure_reason: 'execution_failed' });
    expect(view.state_transitions.at(-1).detail).toContain(`object mount /home/user/x (${id})`);
    expect(view.state_transitions.at(-1).detail).toContain(why);
  });
});
