import { describe, expect, it } from 'vitest';
import { FakeHost } from '../src/fake/fake-host.ts';
import { hostContract } from './contract/host-contract.ts';
import { fakeHarness } from './fake-harness.ts';

hostContract('FakeHost', async () => fakeHarness());
hostContract('FakeHost, gvisor', async () => fakeHarness(new FakeHost({ isolations: ['container', 'gvisor'] }), true), {
  keepsMemory: true,
});

const spec = {
  id: 'dbx-1',
  isolation: 'auto',
  image: 'default',
  size: { cpus: 1, memoryBytes: 2 ** 28, diskBytes: 2 ** 28, processes: 64 },
  user: { name: 'user', uid: 1000, gid: 1000, home: '/home/user' },
  hostname: 'devbox',
  environment: {},
} as const;

describe('failures on demand', () => {
  it('fails a create with a cause', async () => {
    const host = new FakeHost();
    host.failNextCreate('runtime_failed');
    expect(await host.create(spec)).toMatchObject({ phase: 'stopped', cause: 'runtime_failed' });
    expect(await host.create({ ...spec, id: 'dbx-2' })).toMatchObject({ phase: 'running' });
  });

  it('fails a resume, and nothing is lost', async () => {
    const host = new FakeHost({ isolations: ['gvisor'] });
    await host.create(spec);
    await host.suspend('dbx-1', { memory: true });
    host.failNextResume('runtime_failed');
    const failed = await host.resume(spec, { memory: true });
    expect(failed).toMatchObject({ phase: 'suspended', cause: 'runtime_failed', hasMemory: true });
    const resumed = await host.resume(spec, { memory: true });
    expect(resumed).toMatchObject({ phase: 'running' });
    expect(resumed).not.toHaveProperty('cause');
  });

  it('fails one call', async () => {
    const host = new FakeHost();
    host.failNextCall('hostUnavailable');
    await expect(host.create(spec)).rejects.toMatchObject({ code: 'hostUnavailable', retryable: true });
    expect(await host.create(spec)).toMatchObject({ phase: 'running' });
  });

  it('is unreachable while its boxes go on', async () => {
    const host = new FakeHost();
    await host.create(spec);
    const events = host.events(new AbortController().signal)[Symbol.asyncIterator]();
    const next = events.next();
    host.setUnreachable(true);
    await expect(next).rejects.toMatchObject({ code: 'hostUnavailable' });
    await expect(host.list()).rejects.toMatchObject({ code: 'hostUnavailable' });
    host.setUnreachable(false);
    expect(await host.list()).toMatchObject([{ phase: 'running' }]);
  });

  it('runs commands by a handler of the test', async () => {
    const host = new FakeHost({
      handler: async ({ command, stdout }) => {
        stdout(Buffer.from(command.toUpperCase()));
        return 9;
      },
    });
    await host.create(spec);
    const execution = { executionId: 'e', origin: 'exec', command: 'shout' } as const;
    expect(await host.executeAndWait('dbx-1', execution, { timeoutMs: 1000, lastLines: 1 })).toMatchObject({
      end: { kind: 'exited', code: 9 },
      stdout: { text: 'SHOUT' },
    });
  });
});
