import { FakeHost } from '@berth/host/fake';
import { expect, it } from 'vitest';
import { runningBox, startDevboxServer, waitFor } from './kit.ts';

class PoolHost extends FakeHost {
  override async describe() {
    const pool = { ready: 2, hits: 31, misses: 9, oldestMs: 12_000, memoryBytes: 1_024 };
    return { ...(await super.describe()), pool };
  }
}

it('metrics count boxes by status, the line, snapshots and the pool', async () => {
  const server = await startDevboxServer({ host: new PoolHost() });
  const { caller } = server;
  const box = await runningBox(caller);
  const asleep = await runningBox(caller);
  await caller.call('POST', `/v1/devboxes/${asleep}/suspend`, '');
  await waitFor(caller, asleep, 'suspended');
  const snapshot = (await caller.call('POST', `/v1/devboxes/${box}/snapshot_disk`, '')).json;
  const gone = await runningBox(caller);
  await caller.call('POST', `/v1/devboxes/${gone}/shutdown`, '');
  const { json } = await caller.call('GET', '/metrics');
  for (const line of [
    'berth_devboxes{status="running"} 1',
    'berth_devboxes{status="suspended"} 1',
    'berth_devboxes_queued 0',
    'berth_snapshots 1',
    `berth_snapshot_bytes ${snapshot.size_bytes}`,
    'berth_pool{figure="ready"} 2',
    'berth_pool{figure="hits"} 31',
    'berth_pool{figure="misses"} 9',
    'berth_pool{figure="oldest_ms"} 12000',
    'berth_pool{figure="memory_bytes"} 1024',
  ]) {
    expect(json.split('\n')).toContain(line);
  }
  expect(json).not.toContain('status="shutdown"');
  await server.close();
});
