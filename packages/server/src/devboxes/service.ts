import {
  type DevboxCreate,
  type DevboxListQuery,
  type DevboxListView,
  type DevboxStatus,
  type DevboxUpdate,
  type DevboxView,
  devboxWaitSeconds,
  type UsageView,
} from '@berth/contract';
import type { NotificationHub } from '../database/notifications.ts';
import { ApiError, apiError } from '../errors/api-error.ts';
import type { RequestScope } from '../http/context.ts';
import { longPoll } from '../http/long-poll.ts';
import type { SecretService } from '../secrets/service.ts';
import { usageOf } from '../usage/usage.ts';
import { lifetimeMs, newDevbox } from './creation.ts';
import { refuseUnavailable } from './creation-rules.ts';
import { type Devbox, isEnded } from './devbox.ts';
import type { DevboxListStore } from './list-store.ts';
import { type DevboxStore, devboxTopic } from './store.ts';
import type { TransitionStore } from './transition-store.ts';
import { devboxView } from './view.ts';

/** Below the 30 s after which the official clients give a request up. */
const createHoldSeconds = 20;

export interface DevboxServiceParts {
  readonly store: DevboxStore;
  readonly lists: DevboxListStore;
  readonly transitions: TransitionStore;
  readonly hub: NotificationHub;
  readonly secrets: Pick<SecretService, 'reveal'>;
  /** Called after a change that the reconciler has to act on. It would find it by itself, a little later. */
  readonly onUnsettled: (id: string) => void;
}

/** Devboxes as callers ask for them. It writes what is wanted; the reconciler makes it so. */
export class DevboxService {
  readonly #parts: DevboxServiceParts;

  constructor(parts: DevboxServiceParts) {
    this.#parts = parts;
  }

  /** Writes the wish and answers at once. The same token always means the same box. */
  async create(account: string, wish: DevboxCreate, token: string | undefined): Promise<DevboxView> {
    refuseUnavailable(wish);
    const box = newDevbox(account, wish);
    await this.#requireSecrets(account, Object.values(box.wish.secretNames));
    const id = await this.#parts.store.insert(box, token);
    this.#parts.onUnsettled(id);
    return devboxView(await this.#require(account, id));
  }

  /**
   * The same, and answers when the box runs or has ended. When that takes too long it answers with what is, and the client goes on waiting.
   */
  async createAndAwaitRunning(
    account: string,
    wish: DevboxCreate,
    token: string | undefined,
    scope: Pick<RequestScope, 'signal' | 'closing'>,
  ): Promise<DevboxView> {
    const { id } = await this.create(account, wish, token);
    try {
      const wait = { statuses: ['running', 'failure', 'shutdown'], timeout_seconds: createHoldSeconds } as const;
      return await this.waitForStatus(account, id, wait, scope);
    } catch (error) {
      if (error instanceof ApiError && error.code === 'longPollTimeout' && !scope.closing.aborted) {
        return this.get(account, id);
      }
      throw error;
    }
  }

  /** Throws `notFound`. */
  async get(account: string, id: string): Promise<DevboxView> {
    return devboxView(await this.#require(account, id));
  }

  async list(account: string, query: DevboxListQuery): Promise<DevboxListView> {
    const page = await this.#parts.lists.page(account, query);
    return {
      devboxes: page.boxes.map(devboxView),
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

  /** What is left out stays; empty text or map clears. Throws `notFound`. */
  async update(account: string, id: string, change: DevboxUpdate): Promise<DevboxView> {
    const box = await this.#parts.store.update(account, id, {
      name: change.name === '' ? null : change.name,
      metadata: change.metadata,
    });
    return devboxView(box ?? notFound(id));
  }

  /** The box once it has one of the statuses. Throws `longPollTimeout` when that takes too long. */
  async waitForStatus(
    account: string,
    id: string,
    wait: { readonly statuses: readonly DevboxStatus[]; readonly timeout_seconds: number },
    scope: Pick<RequestScope, 'signal' | 'closing'>,
  ): Promise<DevboxView> {
    const seconds = Math.min(wait.timeout_seconds, devboxWaitSeconds.maximum);
    return longPoll(this.#parts.hub, scope, {
      topics: [devboxTopic(id)],
      timeoutMs: seconds * 1000,
      check: async () => {
        const box = await this.#require(account, id);
        return wait.statuses.includes(box.status) ? devboxView(box) : undefined;
      },
    });
  }

  /** Durable when it answers; what is left of the box goes afterwards. From every status, any number of times. */
  async shutdown(account: string, id: string): Promise<DevboxView> {
    const changed = await this.#parts.transitions.apply(
      id,
      { to: 'shutdown', reason: 'api_shutdown' },
      { accountId: account },
    );
    if (changed !== undefined) {
      this.#parts.onUnsettled(id);
    }
    return devboxView(changed ?? (await this.#require(account, id)));
  }

  /** Restarts lifetime and idle timer. Throws `devboxNotRunning` when the box has ended. */
  async keepAlive(account: string, id: string): Promise<void> {
    const box = await this.#require(account, id);
    const kept = !isEnded(box) && (await this.#parts.store.keepAlive(account, id, lifetimeMs(box.launchParameters)));
    if (!kept) {
      throw apiError('devboxNotRunning', { id, status: box.status });
    }
  }

  /** Throws `notFound`. */
  async usage(account: string, id: string): Promise<UsageView> {
    return usageOf(await this.#require(account, id), await this.#parts.store.nowMs());
  }

  async #require(account: string, id: string): Promise<Devbox> {
    return (await this.#parts.store.findOwned(account, id)) ?? notFound(id);
  }

  async #requireSecrets(account: string, names: readonly string[]): Promise<void> {
    const found = await this.#parts.secrets.reveal(account, [...new Set(names)]);
    const unknown = names.find((name) => !found.has(name));
    if (unknown !== undefined) {
      throw apiError('unknownSecret', { name: unknown.slice(0, 200) });
    }
  }
}

const notFound = (id: string): never => {
  throw apiError('notFound', { resource: 'devbox', id });
};
