import { describe, expect, it } from 'vitest';
import { refusal, unknownId } from '../../platform/answers.ts';
import { output, useBox, withBox } from '../../platform/boxes.ts';
import { rawClient, sdkClient, transports } from '../../platform/clients.ts';

describe.each(transports)('disk snapshots over %s (API §7)', (transport) => {
  const box = useBox(transport);
  const client = rawClient(transport);
  const sdk = sdkClient(transport);

  it('are taken, described, found, updated, started from and deleted', async () => {
    const devbox = sdk.devbox.fromId(box.id);
    await devbox.file.write({ file_path: '/tmp/file', contents: 'kept' });
    const wish = { name: 'ready', commit_message: 'all in place', metadata: { purpose: 'test' } };
    const snapshot = await devbox.snapshotDisk(wish);
    const { status, snapshot: view } = await snapshot.queryStatus();
    expect(status).toBe('complete');
    expect(view).toMatchObject({ ...wish, id: snapshot.id, source_devbox_id: box.id });
    expect(view?.size_bytes).toBeGreaterThan(0);
    const listed = await client.devboxes.listDiskSnapshots({ devbox_id: box.id });
    expect(listed.snapshots.map((each) => each.id)).toContain(snapshot.id);
    const found = await client.devboxes.diskSnapshots.list({ devbox_id: box.id, 'metadata[key]': 'x' });
    expect(found.snapshots).toEqual([]);

    await snapshot.update({ name: 'renamed', metadata: { purpose: 'changed' } });
    const updated = (await snapshot.getInfo()).snapshot;
    expect(updated).toMatchObject({
      name: 'renamed',
      commit_message: 'all in place',
      metadata: { purpose: 'changed' },
    });

    const copy = await snapshot.createDevbox({ name: 'copy' });
    try {
      expect(await copy.file.read({ file_path: '/tmp/file' })).toBe('kept');
      expect((await copy.getInfo()).snapshot_id).toBe(snapshot.id);
      expect(await snapshot.delete()).toBeDefined();
      expect((await snapshot.queryStatus()).status).toBe('deleted');
      expect(await output(client, copy.id, 'cat /tmp/file')).toBe('kept');
    } finally {
      await copy.shutdown();
    }
    expect((await refusal(client.devboxes.create({ snapshot_id: snapshot.id }))).status).toBe(400);
  });

  it('give copies that are independent of their source and of each other', async () => {
    await output(client, box.id, 'echo common > shared');
    const snapshot = await client.devboxes.snapshotDisk(box.id);
    await output(client, box.id, 'echo source > shared');
    await withBox(client, { snapshot_id: snapshot.id }, (one) =>
      withBox(client, { snapshot_id: snapshot.id }, async (two) => {
        await output(client, one.id, 'echo one > shared');
        expect(await output(client, two.id, 'cat shared')).toBe('common\n');
        expect(await output(client, box.id, 'cat shared')).toBe('source\n');
      }),
    );
    await client.devboxes.deleteDiskSnapshot(snapshot.id);
  });

  it('go on in the background, with the status to poll', async () => {
    const begun = await client.devboxes.snapshotDiskAsync(box.id, { name: 'background' });
    expect(begun).toMatchObject({ name: 'background', source_devbox_id: box.id });
    const done = await client.devboxes.diskSnapshots.awaitCompleted(begun.id);
    expect(done).toMatchObject({ status: 'complete', snapshot: { id: begun.id } });
    await client.devboxes.diskSnapshots.delete(begun.id);
    await client.devboxes.diskSnapshots.delete(begun.id);
  });

  it('of a suspended box come from its disk', async () => {
    await withBox(client, {}, async ({ id }) => {
      await output(client, id, 'echo asleep > state');
      await client.devboxes.suspend(id);
      await client.devboxes.awaitSuspended(id);
      const snapshot = await client.devboxes.snapshotDisk(id);
      await withBox(client, { snapshot_id: snapshot.id }, async (copy) => {
        expect(await output(client, copy.id, 'cat state')).toBe('asleep\n');
      });
      await client.devboxes.deleteDiskSnapshot(snapshot.id);
    });
  });

  it('that do not exist are refused like anything else', async () => {
    expect((await refusal(client.devboxes.diskSnapshots.queryStatus(unknownId('snp')))).status).toBe(404);
    expect((await refusal(client.devboxes.deleteDiskSnapshot(unknownId('snp')))).status).toBe(404);
    expect((await refusal(client.devboxes.create({ snapshot_id: unknownId('snp') }))).status).toBe(400);
    expect((await refusal(client.devboxes.snapshotDisk(unknownId('dbx')))).status).toBe(404);
  });
});
