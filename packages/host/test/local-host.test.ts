import { join } from 'node:path';
import { describe, it } from 'vitest';
import { connectHost } from '../src/rpc/client.ts';
import { HostServer } from '../src/rpc/server.ts';
import { hostContract } from './contract/host-contract.ts';
import { localHarness, programs, runsc } from './local-harness.ts';

if (typeof programs === 'string') {
  describe.skip(`LocalHost (skipped: ${programs})`, () => {
    it('runs boxes', () => undefined);
  });
} else {
  hostContract('LocalHost', localHarness, { builds: false });

  if ('path' in runsc) {
    const { path } = runsc;
    hostContract('LocalHost, gvisor', () => localHarness({ runsc: path }), { keepsMemory: true, builds: false });
  } else {
    describe.skip(`LocalHost, gvisor (skipped: ${runsc.reason})`, () => {
      it('runs boxes', () => undefined);
    });
  }

  hostContract(
    'LocalHost over RPC',
    async () => {
      const harness = await localHarness();
      const server = new HostServer(harness.host);
      const socketPath = join(harness.local.stateDirectory, 'run/host.sock');
      await server.listen(socketPath);
      const host = connectHost(socketPath);
      return {
        ...harness,
        host,
        close: async () => {
          await host.close();
          await server.close();
          await harness.close();
        },
      };
    },
    { builds: false },
  );
}
