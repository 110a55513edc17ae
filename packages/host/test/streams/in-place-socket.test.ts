import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { adoptInPlace, dialInPlace, type InPlaceSocket } from '../../src/streams/in-place-socket.ts';

interface Pair {
  readonly server: Server;
  readonly accepted: InPlaceSocket;
  readonly dialled: InPlaceSocket;
}

/** Two ends of one connection over a Unix socket; closed after the test. */
const pair = async (): Promise<Pair> => {
  const directory = await mkdtemp(join(tmpdir(), 'berth-in-place-'));
  const path = join(directory, 'socket');
  const server = createServer({ pauseOnConnect: true });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const connected = once(server, 'connection') as Promise<[Socket]>;
  const dialled = dialInPlace(path);
  const accepted = adoptInPlace((await connected)[0]);
  onTestFinished(async () => {
    dialled.socket.destroy();
    accepted.socket.destroy();
    server.close();
    await rm(directory, { recursive: true });
  });
  return { server, accepted, dialled };
};

const gather = (end: InPlaceSocket): { readonly bytes: () => Buffer } => {
  const pieces: Buffer[] = [];
  end.onRead = (bytes) => void pieces.push(Buffer.from(bytes));
  return { bytes: () => Buffer.concat(pieces) };
};

describe('sockets that are read in place', () => {
  it('bring the bytes of both directions, of several connections at once', async () => {
    const pairs = await Promise.all([pair(), pair(), pair()]);
    for (const { accepted, dialled } of pairs) {
      const [up, down] = [randomBytes(3_000_000), randomBytes(2_000_001)];
      const [atHost, atClient] = [gather(accepted), gather(dialled)];
      dialled.socket.write(up);
      accepted.socket.write(down);
      await expect.poll(() => atHost.bytes().equals(up)).toBe(true);
      await expect.poll(() => atClient.bytes().equals(down)).toBe(true);
    }
  });

  it('read into one buffer of the process', async () => {
    const { accepted, dialled } = await pair();
    const buffers = new Set<ArrayBufferLike>();
    for (const end of [accepted, dialled]) {
      end.onRead = (bytes) => void buffers.add(bytes.buffer);
      (end === accepted ? dialled : accepted).socket.write('x'.repeat(500_000));
    }
    await expect.poll(() => accepted.socket.bytesRead + dialled.socket.bytesRead).toBe(1_000_000);
    expect(buffers.size).toBe(1);
  });

  it('stop while they are paused', async () => {
    const { accepted, dialled } = await pair();
    const seen = gather(accepted);
    accepted.socket.pause();
    dialled.socket.write(randomBytes(5_000_000));
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(seen.bytes()).toHaveLength(0);
    accepted.socket.resume();
    await expect.poll(() => seen.bytes().length).toBe(5_000_000);
  });

  it.each(['accepted', 'dialled'] as const)('end at the other side when the %s one is destroyed', async (side) => {
    const both = await pair();
    const other = side === 'accepted' ? both.dialled : both.accepted;
    const closed = once(other.socket, 'close');
    both[side].socket.destroy();
    await closed;
    expect(other.socket.destroyed).toBe(true);
  });

  it('are counted by the server until they are closed', async () => {
    const { server, accepted } = await pair();
    const count = () => new Promise((resolve) => server.getConnections((_error, connections) => resolve(connections)));
    expect(await count()).toBe(1);
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    accepted.socket.destroy();
    await closed;
    expect(await count()).toBe(0);
  });
});
