import type Runloop from '@runloop/api-client';
import { describe, expect, it } from 'vitest';
import { refusal } from '../../platform/answers.ts';
import { output, useBox } from '../../platform/boxes.ts';

type Forked = Runloop.DevboxView & { readonly forked_from?: string; readonly source_pause_ms?: number };

/** What goes beyond the official client is called through it all the same. */
const fork = async (client: Runloop, id: string, body: object): Promise<Forked[]> => {
  const { devboxes } = await client.post<object, { devboxes: Forked[] }>(`/v1/devboxes/${id}/fork`, { body });
  return Promise.all(devboxes.map(async (box) => ({ ...box, ...(await client.devboxes.awaitRunning(box.id)) })));
};

describe('a live fork', () => {
  const box = useBox();

  it('has the disk of its source and an identity of its own, and the source goes on', async () => {
    const { client, id } = box;
    await output(client, id, 'echo common > shared');
    const forks = await fork(client, id, { count: 2, memory: false, name: 'try', metadata: { lane: 'a' } });
    try {
      expect(forks.map((each) => [each.name, each.forked_from, each.metadata])).toEqual([
        ['try-1', id, { lane: 'a' }],
        ['try-2', id, { lane: 'a' }],
      ]);
      // A container was frozen, or held still by gVisor, for all of them at once.
      const pauses = new Set(forks.map((each) => each.source_pause_ms));
      expect([...pauses]).toEqual([expect.any(Number)]);
      const [one, two] = forks as [Forked, Forked];
      await output(client, one.id, 'echo one > shared');
      expect(await output(client, two.id, 'cat shared')).toBe('common\n');
      expect(await output(client, id, 'cat shared')).toBe('common\n');
      const names = await Promise.all([id, one.id, two.id].map((each) => output(client, each, 'hostname')));
      expect(new Set(names).size).toBe(3);
    } finally {
      await Promise.all(forks.map((each) => client.devboxes.shutdown(each.id)));
    }
    expect((await client.devboxes.listDiskSnapshots({ devbox_id: id })).snapshots).toEqual([]);
  });

  it('is refused beyond sixty-four', async () => {
    const { client, id } = box;
    expect((await refusal(client.post(`/v1/devboxes/${id}/fork`, { body: { count: 65 } }))).status).toBe(400);
  });
});
