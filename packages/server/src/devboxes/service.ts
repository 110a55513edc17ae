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
import type { Host } from '@berth/host/contract';
import type { AccountSettingsService } from '../accounts/settings.ts';
import type { Admission } from '../admission/admission.ts';
import { booked, demandOf } from '../admission/booking.ts';
import { inheritedParameters } from '../blueprints/inherit.ts';
import type { BlueprintSources } from '../blueprints/sources.ts';
import type { NotificationHub } from '../database/notifications.ts';
import { ApiError, apiError } from '../errors/api-error.ts';
import type { RequestScope } from '../http/context.ts';
import { longPoll } from '../http/long-poll.ts';
import type { Mounts } from '../mounts/mounts.ts';
import type { Births } from '../reconciler/births.ts';
import type { SecretService } from '../secrets/service.ts';
import { requiredServices } from '../sidecars/required-services.ts';
import { usageOf } from '../usage/usage.ts';
import { devboxTopic } from './announce.ts';
import { newDevbox } from './creation.ts';
import { refuseSources, refuseUnavailable } from './creation-rules.ts';
import { type Devbox, mishapOf } from './devbox.ts';
import type { NewDevbox } from './insert.ts';
import type { KnownDevboxes } from './known-devboxes.ts';
import type { DevboxListStore } from './list-store.ts';
import type { DevboxStore, InsertedDevbox } from './store.ts';
import { devboxView } from './view.ts';

/** Below the 30 s after which the official clients give a request up. */
const createHoldSeconds = 20;

export interface DevboxServiceParts {
  readonly store: DevboxStore;
  readonly lists: DevboxListStore;
  readonly hub: NotificationHub;
  readonly host: Pick<Host, 'metrics' | 'images'>;
  readonly secrets: Pick<SecretService, 'reveal'>;
  readonly mounts: Pick<Mounts, 'plan'>;
  readonly accountSettings: Pick<AccountSettingsService, 'get'>;
  readonly admission: Admission;
  readonly blueprints: Pick<BlueprintSources, 'sourceOf'>;
  readonly known: KnownDevboxes;
  readonly births: Pick<Births, 'begin' | 'drop'>;
  /** Called after a change that the reconciler has to act on, with the box if it was just written. It would find it by itself, a little later. */
  readonly onUnsettled: (id: string, box?: Devbox) => void;
}

/** Devboxes as callers ask for them. It writes what is wanted; the reconciler makes it so. */
export class DevboxService {
  readonly #parts: DevboxServiceParts;

  constructor(parts: DevboxServiceParts) {
    this.#parts = parts;
  }

  /** Writes the wish and answers at once. The same token always means the same box. */
  async create(account: string, wish: DevboxCreate, token: string | undefined): Promise<DevboxView> {
    refuseSources(wish);
    const blueprint = await this.#parts.blueprints.sourceOf(account, wish);
    const own = wish.launch_parameters ?? {};
    const whole =
      blueprint === undefined
        ? wish
        : { ...wish, launch_parameters: inheritedParameters(blueprint.launchParameters, own) };
    refuseUnavailable(whole);
    const mounts = await this.#parts.mounts.plan(account, whole);
    const services = await requiredServices(this.#parts.host, blueprint, whole.launch_parameters?.required_services);
    const settings = await this.#parts.accountSettings.get(account);
    const box = newDevbox(account, whole, settings, { mounts, services, blueprintId: blueprint?.id });
    await this.#requireSecrets(account, Object.values(box.wish.secretNames));
    const made = await this.#insert(box, token);
    if (made.box !== undefined) {
      this.#parts.known.changed(made.box);
    }
    this.#parts.onUnsettled(made.id, made.box);
    return devboxView(made.box ?? (await this.#require(account, made.id)));
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

  /**
   * The box once it has one of the statuses. Throws `longPollTimeout` when that takes too long, and `resumeFailed` at once when nothing is on its way there:
   * the box is suspended because something went wrong.
   */
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
        if (wait.statuses.includes(box.status)) {
          return devboxView(box);
        }
        const mishap = box.status === 'suspended' ? mishapOf(box) : undefined;
        if (mishap !== undefined) {
          throw apiError('resumeFailed', { id, reason: mishap.detail });
        }
        return undefined;
      },
    });
  }

  /** Throws `notFound`. */
  async usage(account: string, id: string): Promise<UsageView> {
    const box = await this.#require(account, id);
    // A figure less is no reason to keep the others back.
    const metrics = box.status === 'running' ? await this.#parts.host.metrics(id).catch(() => undefined) : undefined;
    return usageOf(box, await this.#parts.store.nowMs(), metrics);
  }

  /** Writes the box where quotas allow it; what the token has made already needs no room. */
  async #insert(box: NewDevbox, token: string | undefined): Promise<InsertedDevbox> {
    const { admission, births, store } = this.#parts;
    try {
      await admission.require(box.accountId, demandOf([box]));
    } catch (error) {
      const id = await store.madeBy(token);
      if (id === undefined) {
        throw error;
      }
      return { id, box: undefined };
    }
    let made: InsertedDevbox = { id: box.id, box: undefined };
    await booked(admission, [box], async (places) => {
      births.begin(box, places.get(box.id));
      try {
        made = await store.insert(box, places, token);
      } finally {
        if (made.box === undefined) {
          births.drop(box.id);
        }
      }
      return [made.id];
    });
    return made;
  }

  async #require(account: string, id: string): Promise<Devbox> {
    const box = this.#parts.known.get(id) ?? (await this.#parts.store.find(id));
    return box?.accountId === account ? box : notFound(id);
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
