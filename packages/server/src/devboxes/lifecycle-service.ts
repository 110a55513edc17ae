import type { DevboxView, devboxResume, devboxSuspend } from '@berth/contract';
import type { z } from 'zod';
import type { AccountSettingsService } from '../accounts/settings.ts';
import type { Admission } from '../admission/admission.ts';
import { nominalSize } from '../admission/holding.ts';
import { apiError } from '../errors/api-error.ts';
import { lifetimeMs } from './creation.ts';
import { type Devbox, isEnded } from './devbox.ts';
import type { Place } from './insert.ts';
import type { DevboxStore } from './store.ts';
import { canKeepMemory, suspension, wantsMemory } from './suspension.ts';
import type { TransitionStore } from './transition-store.ts';
import { devboxView } from './view.ts';

export interface LifecycleServiceParts {
  readonly store: DevboxStore;
  readonly transitions: TransitionStore;
  readonly accountSettings: Pick<AccountSettingsService, 'get'>;
  readonly admission: Admission;
  /** Called after a change that the reconciler has to act on, with the box as it left it. It would find it by itself, a little later. */
  readonly onUnsettled: (id: string, box?: Devbox) => void;
}

/** Suspend, resume, shut down, keep alive: changes of a box's life that callers ask for (API §3.1, §3.7). Durable when they answer. */
export class LifecycleService {
  readonly #parts: LifecycleServiceParts;

  constructor(parts: LifecycleServiceParts) {
    this.#parts = parts;
  }

  /** Begins to suspend. Throws `devboxNotRunning`; `memoryUnsupported` when the call itself asks for what the isolation cannot do. */
  async suspend(
    account: string,
    id: string,
    wish: z.output<typeof devboxSuspend>,
    token: string | undefined,
  ): Promise<DevboxView> {
    const box = await this.#require(account, id);
    if (box.status === 'running' && wish.memory === true && !canKeepMemory(box)) {
      throw apiError('memoryUnsupported', { id, reason: `isolation ${box.isolation ?? 'unknown'} cannot` });
    }
    const memory = wish.memory ?? wantsMemory(box, await this.#parts.accountSettings.get(account));
    const guard = { accountId: account, from: ['running'] } as const;
    const changed = await this.#parts.transitions.applyOnce(token, id, suspension(box, memory), guard);
    return this.#answer(account, id, changed, (now) => apiError('devboxNotRunning', { id, status: now.status }));
  }

  /** Begins to resume, from the memory where one is kept. Shows `provisioning` (API §3.3), or `queued`. Throws `devboxNotSuspended`. */
  async resume(
    account: string,
    id: string,
    wish: z.output<typeof devboxResume>,
    token: string | undefined,
  ): Promise<DevboxView> {
    const box = await this.#require(account, id);
    const { admission, transitions } = this.#parts;
    const resume = box.withMemory && wish.memory ? 'memory' : 'disk';
    const guard = { accountId: account, from: ['suspended'] } as const;
    let place: Place = { status: 'provisioning' };
    if (box.status === 'suspended') {
      const { memoryBytes } = nominalSize(box);
      await admission.require(account, { running: 1, memoryBytes, diskBytes: 0 });
      place = admission.place({ ...box, resume });
    }
    const { status: to, ...why } = place;
    const changed = await transitions.applyOnce(token, id, { to, resume, ...why }, guard).catch(async (error) => {
      admission.changed(box);
      admission.reload();
      throw error;
    });
    if (changed === undefined || changed === 'repeated') {
      admission.changed(await this.#require(account, id));
    }
    return this.#answer(account, id, changed, (now) => apiError('devboxNotSuspended', { id, status: now.status }));
  }

  /**
   * What is left of the box goes afterwards. From every status, any number of times. Throws `snapshotInProgress` while its disk is being kept,
   * unless forced (API §3.1).
   */
  async shutdown(account: string, id: string, force: boolean): Promise<DevboxView> {
    const guard = { accountId: account, untaken: !force };
    const changed = await this.#parts.transitions.apply(id, { to: 'shutdown', reason: 'api_shutdown' }, guard);
    if (changed !== undefined) {
      this.#parts.onUnsettled(id);
    }
    const box = changed ?? (await this.#require(account, id));
    if (changed === undefined && box.status !== 'shutdown') {
      throw apiError('snapshotInProgress', { id });
    }
    return devboxView(box);
  }

  /** Restarts lifetime and idle timer. Throws `devboxNotRunning` when the box has ended or is suspended. */
  async keepAlive(account: string, id: string): Promise<void> {
    const box = await this.#require(account, id);
    const kept = !isEnded(box) && (await this.#parts.store.keepAlive(account, id, lifetimeMs(box.launchParameters)));
    if (!kept) {
      throw apiError('devboxNotRunning', { id, status: box.status });
    }
  }

  async #answer(
    account: string,
    id: string,
    changed: Devbox | 'repeated' | undefined,
    refusal: (box: Devbox) => Error,
  ): Promise<DevboxView> {
    if (changed === undefined) {
      throw refusal(await this.#require(account, id));
    }
    if (changed === 'repeated') {
      this.#parts.onUnsettled(id);
      return devboxView(await this.#require(account, id));
    }
    this.#parts.onUnsettled(id, changed);
    return devboxView(changed);
  }

  async #require(account: string, id: string): Promise<Devbox> {
    const box = await this.#parts.store.findOwned(account, id);
    if (box === undefined) {
      throw apiError('notFound', { resource: 'devbox', id });
    }
    return box;
  }
}
