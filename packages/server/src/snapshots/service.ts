import {
  newId,
  type SnapshotDisk,
  type SnapshotListQuery,
  type SnapshotListView,
  type SnapshotStatusView,
  type SnapshotView,
} from '@berth/contract';
import type { Limits } from '../accounts/limits.ts';
import { checkSnapshotQuota } from '../admission/quotas.ts';
import type { NotificationHub } from '../database/notifications.ts';
import type { DevboxStore } from '../devboxes/store.ts';
import { apiError } from '../errors/api-error.ts';
import type { RequestScope } from '../http/context.ts';
import { longPoll } from '../http/long-poll.ts';
import type { SnapshotListStore } from './list-store.ts';
import { type Snapshot, snapshotTopic, snapshotView } from './snapshot.ts';
import type { SnapshotStore, SnapshotUsage } from './store.ts';

/** Below the 600 s after which clients give `snapshot_disk` up (API §1.3). */
const takeHoldMs = 590_000;

export interface SnapshotServiceParts {
  readonly store: SnapshotStore;
  readonly lists: SnapshotListStore;
  readonly devboxes: Pick<DevboxStore, 'findOwned'>;
  readonly hub: NotificationHub;
  readonly limits: Limits;
  /** Called after a change that the keeper has to act on. It would find it by itself, a little later. */
  readonly onUnsettled: (id: string) => void;
}

const textOrNull = (text: string | undefined): string | null | undefined => (text === '' ? null : text);

/** Disk snapshots as callers ask for them (API §7). It writes what is wanted; the keeper makes it so. */
export class SnapshotService {
  readonly #parts: SnapshotServiceParts;

  constructor(parts: SnapshotServiceParts) {
    this.#parts = parts;
  }

  /** Begins a snapshot of a running or suspended box and answers at once. The same token always means the same snapshot. */
  async begin(account: string, devboxId: string, wish: SnapshotDisk, token: string | undefined): Promise<SnapshotView> {
    return snapshotView(await this.#begin(account, devboxId, wish, token));
  }

  /** The same, and answers when it is complete. Throws `snapshotFailed`; `longPollTimeout`, upon which clients come back. */
  async take(
    account: string,
    devboxId: string,
    wish: SnapshotDisk,
    token: string | undefined,
    scope: Pick<RequestScope, 'signal' | 'closing'>,
  ): Promise<SnapshotView> {
    const { id } = await this.#begin(account, devboxId, wish, token);
    const done = await longPoll(this.#parts.hub, scope, {
      topics: [snapshotTopic(id)],
      timeoutMs: takeHoldMs,
      check: async () => {
        const snapshot = await this.#require(account, id);
        return snapshot.status === 'in_progress' ? undefined : snapshot;
      },
    });
    if (done.status === 'error') {
      throw apiError('snapshotFailed', { id, reason: done.error_message ?? 'unknown' });
    }
    return snapshotView(done);
  }

  async list(account: string, query: SnapshotListQuery): Promise<SnapshotListView> {
    const page = await this.#parts.lists.page(account, query);
    return {
      snapshots: page.snapshots.map(snapshotView),
      has_more: page.hasMore,
      ...(page.totalCount === null ? {} : { total_count: page.totalCount }),
    };
  }

  async metadataKeys(account: string): Promise<{ readonly keys: string[] }> {
    return { keys: await this.#parts.lists.metadataKeys(account) };
  }

  async metadataValues(account: string, key: string): Promise<{ readonly key: string; readonly values: string[] }> {
    return { key, values: await this.#parts.lists.metadataValues(account, key) };
  }

  /** Throws `notFound`. */
  async status(account: string, id: string): Promise<SnapshotStatusView> {
    const snapshot = await this.#require(account, id);
    return {
      status: snapshot.status,
      error_message: snapshot.error_message,
      snapshot: snapshot.status === 'complete' ? snapshotView(snapshot) : null,
    };
  }

  /** What is left out stays; empty text clears; metadata is replaced whole. Throws `notFound`, also for a deleted one. */
  async update(account: string, id: string, change: SnapshotDisk): Promise<SnapshotView> {
    const snapshot = await this.#parts.store.update(account, id, {
      name: textOrNull(change.name),
      commitMessage: textOrNull(change.commit_message),
      metadata: change.metadata,
    });
    return snapshotView(snapshot ?? notFound(id));
  }

  /** Any number of times. Throws `snapshotIncomplete` while it is being taken. */
  async remove(account: string, id: string): Promise<void> {
    const deleted = await this.#parts.store.markDeleted(account, id);
    if (deleted) {
      this.#parts.onUnsettled(id);
      return;
    }
    const { status } = await this.#require(account, id);
    if (status === 'in_progress') {
      throw apiError('snapshotIncomplete', { id, status });
    }
  }

  async #begin(account: string, devboxId: string, wish: SnapshotDisk, token: string | undefined): Promise<Snapshot> {
    const wanted = {
      id: newId('snapshot'),
      accountId: account,
      devboxId,
      name: textOrNull(wish.name) ?? null,
      commitMessage: textOrNull(wish.commit_message) ?? null,
      metadata: wish.metadata ?? {},
    };
    const quotas = await this.#parts.limits.of(account);
    const checkQuota = (usage: SnapshotUsage): void => checkSnapshotQuota(quotas, usage);
    const id = await this.#parts.store.insert(wanted, token, checkQuota, async () => {
      const box = await this.#parts.devboxes.findOwned(account, devboxId);
      throw box === undefined
        ? apiError('notFound', { resource: 'devbox', id: devboxId })
        : apiError('devboxNotRunning', { id: devboxId, status: box.status });
    });
    this.#parts.onUnsettled(id);
    return this.#require(account, id);
  }

  async #require(account: string, id: string): Promise<Snapshot> {
    return (await this.#parts.store.findOwned(account, id)) ?? notFound(id);
  }
}

const notFound = (id: string): never => {
  throw apiError('notFound', { resource: 'snapshot', id });
};
