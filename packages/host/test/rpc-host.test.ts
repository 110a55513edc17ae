import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FakeHost } from '../src/fake/fake-host.ts';
import { connectHost } from '../src/rpc/client.ts';
import { HostServer } from '../src/rpc/server.ts';
import { hostContract } from './contract/host-contract.ts';
import { fakeHarness } from './fake-harness.ts';

hostContract(
  'FakeHost over RPC',
  async () => {
    const directory = await mkdtemp(join(tmpdir(), 'berth-rpc-'));
    const fake = new FakeHost({ isolations: ['container', 'gvisor'] });
    const server = new HostServer(fake);
    await server.listen(join(directory, 'host.sock'));
    const host = connectHost(join(directory, 'host.sock'));
    return {
      ...fakeHarness(fake, true),
      host,
      close: async () => {
        await host.close();
        await server.close();
        await rm(directory, { recursive: true, force: true });
      },
    };
  },
  { keepsMemory: true },
);
