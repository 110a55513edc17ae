import { FakeHost } from '../src/fake/fake-host.ts';
import type { HostHarness } from './contract/harness.ts';

/** FakeHost under the contract; `wrap` puts something between the tests and it. */
export function fakeHarness(fake = new FakeHost(), keepsMemory = false): HostHarness {
  return {
    host: fake,
    isolation: keepsMemory ? 'gvisor' : 'container',
    killBox: async (boxId) => fake.loseBox(boxId),
    listenEcho: async (boxId, port) =>
      fake.listen(boxId, port, async (incoming, write) => {
        for await (const bytes of incoming) {
          write(bytes);
        }
      }),
    close: () => fake.close(),
  };
}
