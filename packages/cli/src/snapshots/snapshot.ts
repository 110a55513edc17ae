import { setTimeout as pause } from 'node:timers/promises';
import type { SnapshotDisk, SnapshotStatusView, SnapshotView } from '@berth/contract';
import type { ApiClient } from '../http/client.ts';
import { everyItem } from '../http/pages.ts';
import { CommandFailure } from '../output/failure.ts';

export interface SnapshotFilter {
  readonly devbox_id?: string | undefined;
  readonly name?: string | undefined;
  readonly metadata?: Readonly<Record<string, string>> | undefined;
}

const base = '/v1/devboxes/disk_snapshots';
const pathOf = (id: string, rest: string): string => `${base}/${encodeURIComponent(id)}${rest}`;
const firstPollMs = 50;
const longestPollMs = 1_000;

/** Begins a snapshot of a box; the answer comes at once. */
export const beginSnapshot = (client: ApiClient, devbox: string, wish: SnapshotDisk): Promise<SnapshotView> =>
  client.json('POST', `/v1/devboxes/${encodeURIComponent(devbox)}/snapshot_disk_async`, { body: wish });

export const snapshotStatus = (client: ApiClient, id: string, signal?: AbortSignal): Promise<SnapshotStatusView> =>
  client.json('GET', pathOf(id, '/status'), { signal });

export const deleteSnapshot = (client: ApiClient, id: string): Promise<unknown> =>
  client.json('POST', pathOf(id, '/delete'));

/** Every snapshot of the account that fits, newest first. A name must be the whole one. */
export const listSnapshots = async (client: ApiClient, filter: SnapshotFilter = {}): Promise<SnapshotView[]> => {
  const { metadata = {}, devbox_id, name } = filter;
  const labels = Object.entries(metadata).map(([key, value]) => [`metadata[${key}]`, value]);
  const query = { devbox_id, name, ...Object.fromEntries(labels) };
  const found = await Array.fromAsync(everyItem<SnapshotView>(client, base, 'snapshots', query));
  return found.filter((snapshot) => name === undefined || snapshot.name === name);
};

/**
 * Waits until a snapshot is complete.
 * @throws CommandFailure with the cause when it fails or is deleted meanwhile
 */
export const untilComplete = async (client: ApiClient, id: string, signal?: AbortSignal): Promise<SnapshotView> => {
  for (let pollMs = firstPollMs; ; pollMs = Math.min(pollMs * 2, longestPollMs)) {
    const { status, error_message, snapshot } = await snapshotStatus(client, id, signal);
    if (status === 'complete' && snapshot) {
      return snapshot;
    }
    if (status !== 'in_progress') {
      throw new CommandFailure(
        `snapshot ${id} ${status === 'deleted' ? 'was deleted' : 'failed'}: ${error_message ?? status}`,
      );
    }
    await pause(pollMs, undefined, { signal }).catch(() => signal?.throwIfAborted());
  }
};
