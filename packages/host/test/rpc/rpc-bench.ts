import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { BoxSpec, Host } from '../../src/contract/index.ts';
import { FakeHost } from '../../src/fake/fake-host.ts';
import { connectHost } from '../../src/rpc/client.ts';
import { HostServer } from '../../src/rpc/server.ts';

export const spec: BoxSpec = {
  id: 'dbx-1',
  isolation: 'auto',
  image: 'default',
  size: { cpus: 1, memoryBytes: 2 ** 28, diskBytes: 2 ** 28, processes: 64 },
  user: { name: 'user', uid: 1000, gid: 1000, home: '/home/user' },
  hostname: 'devbox',
  environment: {},
};

export interface RpcBench {
  readonly fake: FakeHost;
  readonly client: Host;
  readonly socketPath: string;
  readonly faults: string[];
  server: HostServer;
  /** Ends the server as a death would, and starts another on the same socket. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** A client and a server of a FakeHost with one running box; ended after the test. */
export async function rpcBench(
  options: { readonly connectTimeoutMs?: number; readonly host?: Host } = {},
): Promise<RpcBench> {
  const directory = await mkdtemp(join(tmpdir(), 'berth-rpc-'));
  const socketPath = join(directory, 'host.sock');
  const fake = new FakeHost();
  await fake.create(spec);
  const faults: string[] = [];
  const serve = async () => {
    const server = new HostServer(options.host ?? fake, { onFault: (method) => faults.push(method) });
    await server.listen(socketPath);
    return server;
  };
  const bench: RpcBench = {
    fake,
    faults,
    socketPath,
    client: connectHost(socketPath, options),
    server: await serve(),
    stop: () => bench.server.close(),
    restart: async () => {
      await bench.server.close();
      await rm(socketPath, { force: true });
      bench.server = await serve();
    },
  };
  onTestFinished(async () => {
    await bench.client.close();
    await bench.server.close().catch(() => undefined);
    await rm(directory, { recursive: true, force: true });
  });
  return bench;
}
