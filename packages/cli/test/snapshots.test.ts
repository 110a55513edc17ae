import type { SnapshotView } from '@berth/contract';
import { describe, expect, it } from 'vitest';
import { findSnapshot } from '../src/snapshots/find-snapshot.ts';
import { listSnapshots, untilComplete } from '../src/snapshots/snapshot.ts';
import { scriptedApi } from './scripted-api.ts';

const snapshot = (id: string, name: string): SnapshotView => ({
  id,
  name,
  commit_message: null,
  source_blueprint_id: null,
  create_time_ms: 0,
  metadata: {},
  size_bytes: 7,
  source_devbox_id: 'dbx_1',
});
const listed = [snapshot('snp_1', 'ready'), snapshot('snp_2', 'nightly'), snapshot('snp_3', 'nightly')];
const list = () => scriptedApi(() => [200, { snapshots: listed, has_more: false }]);

describe('snapshots', () => {
  it('are asked for by box and label, and by the whole name whatever the API takes a name for', async () => {
    await using api = await list();
    const found = await listSnapshots(api.client, { devbox_id: 'dbx_1', name: 'ready', metadata: { team: 'a' } });
    expect(found.map(({ id }) => id)).toEqual(['snp_1']);
    expect(api.seen[0]?.query).toMatchObject({ devbox_id: 'dbx_1', 'metadata[team]': 'a' });
  });

  it('are found by id or by a name that only one has', async () => {
    await using api = await list();
    expect(await findSnapshot(api.client, 'snp_9')).toBe('snp_9');
    expect(await findSnapshot(api.client, 'ready')).toBe('snp_1');
    await expect(findSnapshot(api.client, 'nightly')).rejects.toThrow(/2 snapshots are named/);
    await expect(findSnapshot(api.client, 'read')).rejects.toThrow(/no snapshot is named/);
  });

  it('are waited for until they are complete', async () => {
    await using api = await scriptedApi(() =>
      api.seen.length < 3
        ? [200, { status: 'in_progress', snapshot: null }]
        : [200, { status: 'complete', snapshot: listed[0] }],
    );
    expect(await untilComplete(api.client, 'snp_1')).toEqual(listed[0]);
  });

  it('tell why they failed', async () => {
    await using api = await scriptedApi(() => [200, { status: 'error', error_message: 'no space' }]);
    await expect(untilComplete(api.client, 'snp_1')).rejects.toThrow('snapshot snp_1 failed: no space');
  });

  it('are not waited for after an interrupt', async () => {
    const interrupt = new AbortController();
    await using api = await scriptedApi(() => {
      interrupt.abort(new Error('interrupted'));
      return [200, { status: 'in_progress' }];
    });
    await expect(untilComplete(api.client, 'snp_1', interrupt.signal)).rejects.toThrow('interrupted');
  });
});
