import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import type { Host, HostErrorCode } from '../../src/contract/index.ts';
import { HostError } from '../../src/contract/index.ts';
import { encodeFrame, FrameType } from '../../src/rpc/frame.ts';
import { rpcBench, spec } from './rpc-bench.ts';

const execution = { executionId: 'e', origin: 'exec', command: 'true' } as const;

describe('the border', () => {
  const refused: ReadonlyArray<readonly [string, HostErrorCode, (host: Host) => Promise<unknown>]> = [
    ['a box id that climbs', 'internal', (host) => host.inspect('../../etc')],
    ['an empty box id', 'internal', (host) => host.destroy('')],
    ['a box id that is too long', 'internal', (host) => host.inspect('x'.repeat(200))],
    ['an execution id with a slash', 'internal', (host) => host.execution(spec.id, 'a/b', 1)],
    ['a path with a NUL', 'internal', (host) => host.stat(spec.id, '/etc/\0passwd')],
    ['a path that is too long', 'tooLarge', (host) => host.stat(spec.id, `/${'x'.repeat(5000)}`)],
    [
      'a command that is too long',
      'tooLarge',
      (host) => host.execute(spec.id, { ...execution, command: 'x'.repeat(2 ** 25) }),
    ],
    [
      'a file name that climbs',
      'internal',
      (host) => host.writeFile(spec.id, '/tmp', nothing(), { nameInDirectory: '..' }),
    ],
    ['a relative layer', 'internal', (host) => host.create({ ...spec, image: layers('etc') })],
    ['a layer that climbs', 'internal', (host) => host.create({ ...spec, image: layers('/a/../../etc') })],
    ['a port that is none', 'internal', (host) => host.connect(spec.id, 70_000)],
    ['an account that is an option', 'internal', (host) => host.stat(spec.id, '/', { user: '--root' })],
    ['a variable with "="', 'internal', (host) => host.execute(spec.id, { ...execution, environment: { 'A=B': 'c' } })],
  ];
  it.each(refused)('refuses %s', async (_what, code, call) => {
    const { client, fake } = await rpcBench();
    fake.failNextCall('cancelled');
    await expect(call(client)).rejects.toMatchObject({ code });
    await expect(fake.list()).rejects.toMatchObject({ code: 'cancelled' });
  });

  it('carries every wish about a snapshot', async () => {
    const { client, fake } = await rpcBench();
    const heard: unknown[] = [];
    const { snapshot } = fake;
    fake.snapshot = async (boxId, snapshotId, wish) => {
      heard.push(wish);
      return snapshot.call(fake, boxId, snapshotId, wish);
    };
    const wishes = [{ memory: false }, { memory: false, brief: true }];
    for (const [index, wish] of wishes.entries()) {
      await client.snapshot(spec.id, `snp-wish-${index}`, wish);
    }
    expect(heard).toEqual(wishes);
  });

  it('carries every error with its code, message and whether to retry', async () => {
    const { client, fake } = await rpcBench();
    fake.metrics = async () => {
      throw new HostError('noSpace', 'the disk is full', { retryable: true });
    };
    await expect(client.metrics(spec.id)).rejects.toMatchObject({
      name: 'HostError',
      code: 'noSpace',
      message: 'the disk is full',
      retryable: true,
    });
  });

  it('tells the host of faults of its own', async () => {
    const { client, fake, faults } = await rpcBench();
    fake.metrics = async () => {
      throw new TypeError('a bug');
    };
    await expect(client.metrics(spec.id)).rejects.toMatchObject({ code: 'internal', message: 'a bug' });
    expect(faults).toEqual(['metrics']);
  });

  const breaches: ReadonlyArray<readonly [string, Buffer]> = [
    ['another protocol', encodeFrame(FrameType.hello, 0, '{"protocol":99}')],
    ['no greeting', encodeFrame(FrameType.call, 1, '')],
    ['noise', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
    ['a frame without end', hello(Buffer.from([0xff, 0xff, 0xff, 0xff, 1, 0, 0, 0, 0]))],
    ['a call that is no JSON', hello(encodeFrame(FrameType.call, 1, '\x03\0\0\0{{{'))],
    ['a call shorter than its length field', hello(encodeFrame(FrameType.call, 1, 'x'))],
  ];
  it.each(breaches)('hangs up on %s and serves the others', async (_what, bytes) => {
    const { client, socketPath } = await rpcBench();
    const socket = connect(socketPath);
    socket.on('error', () => undefined);
    socket.resume();
    socket.write(bytes);
    await once(socket, 'close');
    expect(await client.list()).toHaveLength(1);
  });
});

function hello(more: Buffer): Buffer {
  return Buffer.concat([encodeFrame(FrameType.hello, 0, '{"protocol":1}'), more]);
}

const layers = (path: string) => ({ layers: [{ path, ownerBase: 0 }], environment: {} });

async function* nothing(): AsyncGenerator<Uint8Array> {
  yield* [];
}
