import { isWellFormedId } from '@berth/contract';
import type { BuildState, Host } from '@berth/host/contract';
import type { Logger } from 'pino';
import type { NotificationHub } from '../database/notifications.ts';
import { unsettledTopic } from '../devboxes/announce.ts';
import { maySucceedLater, problemOf } from '../reconciler/retries.ts';
import { Sweep } from '../reconciler/sweep.ts';
import { Workers } from '../reconciler/workers.ts';
import { ownerIdOf } from '../sidecars/plan.ts';
import { type Blueprint, blueprintsUnsettledTopic, isBuilding } from './blueprint.ts';
import { endOf } from './build-end.ts';
import type { BuildRequests } from './build-requests.ts';
import type { BlueprintKeeperStore } from './keeper-store.ts';
import type { ServiceImages } from './service-images.ts';

export type BuildingHost = Pick<
  Host,
  'startBuild' | 'putBuildContext' | 'build' | 'builds' | 'cancelBuild' | 'forgetBuild' | 'images' | 'removeImage'
>;

export interface BlueprintKeeperParts {
  readonly host: BuildingHost;
  readonly store: BlueprintKeeperStore;
  readonly requests: BuildRequests;
  readonly services: ServiceImages;
  readonly hub: NotificationHub;
  readonly log: Logger;
  readonly firstPauseMs: number;
  /** The image of a blueprint is gone. */
  readonly onRemoved: () => Promise<void>;
}

/** A build that the host loses so often has failed: it may well be what ends the host. */
const maximumLostBuilds = 3;

/**
 * Has images built and removed on the host as the rows of blueprints say. A row is written before each act, every act may be repeated, and a restart
 * takes up what is unsettled. The line in which builds wait is the host's, fair between accounts; one that the host has lost is built again.
 */
export class BlueprintKeeper {
  readonly #parts: BlueprintKeeperParts;
  readonly #workers: Workers;
  readonly #sweep: Sweep;
  readonly #unsubscribes: Array<() => void> = [];
  /** Images are kept for boxes or builds that are still to be made. */
  #hasAwaited = false;

  constructor(parts: BlueprintKeeperParts) {
    this.#parts = parts;
    this.#workers = new Workers({
      work: (id, signal, attempt) => this.#work(id, attempt, signal),
      log: parts.log,
      firstPauseMs: parts.firstPauseMs,
    });
    this.#sweep = new Sweep({ name: 'blueprints', log: parts.log, run: () => this.#sweepOnce() });
  }

  /** Begins; what an earlier run left half done is taken up. */
  start(): void {
    const { hub } = this.#parts;
    this.#unsubscribes.push(
      hub.subscribe(blueprintsUnsettledTopic, () => this.#sweep.soon()),
      hub.subscribe(unsettledTopic, () => this.#hasAwaited && this.#sweep.soon()),
    );
    this.#sweep.soon();
  }

  /** Has one blueprint looked at now. */
  nudge(id: string): void {
    this.#workers.nudge(id);
  }

  /** The host tells how far a build is. */
  heard(state: BuildState): void {
    const id = ownerIdOf(state.id);
    if (isWellFormedId('blueprint', id)) {
      this.nudge(id);
    }
  }

  /** Stops between steps. Everything is in the database. */
  async stop(): Promise<void> {
    for (const unsubscribe of this.#unsubscribes) {
      unsubscribe();
    }
    await this.#workers.stop();
    await this.#sweep.stop();
  }

  /**
   * Compares rows with what the host has: what no row stands for goes, an image that is missing has failed its blueprint. Rows are read first, so that
   * one built meanwhile is not taken for a missing one.
   */
  async compare(): Promise<void> {
    const { host, store } = this.#parts;
    const rows = await store.onHost();
    const images = new Set((await host.images()).map((image) => image.id));
    const present = new Set([...images, ...(await host.builds()).map((build) => build.id)]);
    for (const row of rows) {
      if (row.status === 'build_complete' && !row.deleted && !images.has(row.id)) {
        await store.fail(row.id, 'build_failed', 'host lost: the host no longer has the image');
      }
    }
    const expected = new Set(rows.map((row) => row.id));
    for (const id of new Set([...present].map(ownerIdOf))) {
      if (!expected.has(id) && isWellFormedId('blueprint', id)) {
        this.nudge(id);
      }
    }
    this.#sweep.soon();
  }

  async #work(id: string, attempt: number, signal: AbortSignal): Promise<void> {
    const { store, log } = this.#parts;
    const blueprint = await store.find(id);
    if (blueprint === undefined) {
      log.warn({ blueprintId: id }, 'the host has an image that the database does not know: removing it');
      await this.#clear(id);
    } else if (isBuilding(blueprint)) {
      await this.#advance(blueprint, attempt, signal);
    } else if (blueprint.deleted) {
      await this.#remove(blueprint);
    } else if (blueprint.host_state === 'requested') {
      await this.#settle(blueprint);
    }
  }

  /** One step of a build; the host's next word on it wakes the worker again. */
  async #advance(blueprint: Blueprint, attempt: number, signal: AbortSignal): Promise<void> {
    const { host, store, requests } = this.#parts;
    const { id } = blueprint;
    if (!(await store.markRequested(id))) {
      return this.#work(id, 0, signal);
    }
    try {
      const services = await this.#parts.services.advance(blueprint);
      if (services === 'building') {
        await store.markBuilding(id);
        return;
      }
      if (services !== 'complete') {
        await store.fail(id, 'build_failed', services.problem);
        return this.#work(id, 0, signal);
      }
      const state = (await host.build(id)) ?? (await requests.send(host, blueprint, signal));
      if (state.phase === 'running') {
        await store.markBuilding(id);
      } else if (state.phase !== 'queued') {
        await this.#end(blueprint, state, signal);
      }
    } catch (error) {
      if (maySucceedLater(error, attempt)) {
        throw error;
      }
      await store.fail(id, 'build_failed', problemOf(error));
      await this.#work(id, 0, signal);
    }
  }

  async #end(blueprint: Blueprint, state: BuildState, signal: AbortSignal): Promise<void> {
    const { host, store, log } = this.#parts;
    const { id } = blueprint;
    const end = endOf(state);
    if (end === 'lost') {
      const lost = state.startedMs === undefined ? blueprint.lost_builds : await store.countLost(id);
      if (lost < maximumLostBuilds) {
        log.warn({ blueprintId: id, lost }, 'the host has lost a build: building again');
        await host.forgetBuild(id);
        return this.#work(id, 0, signal);
      }
      await store.fail(id, 'build_failed', `the host was lost ${lost} times while it built: ${state.detail ?? ''}`);
    } else if ('image' in end) {
      await store.complete(id, end.image);
    } else {
      await store.fail(id, end.reason, end.message);
    }
    await this.#work(id, 0, signal);
    if (this.#hasAwaited) {
      this.#sweep.soon();
    }
  }

  /** The build has ended for clients: it has to end on the host too, which keeps the log, and the image of one that is complete. */
  async #settle({ id, status }: Blueprint): Promise<void> {
    const { host, store } = this.#parts;
    await host.cancelBuild(id);
    if (status === 'failed') {
      await host.removeImage(id);
      await this.#parts.services.clear(id);
    }
    await store.markSettled(id);
  }

  async #remove(blueprint: Blueprint): Promise<void> {
    const { store } = this.#parts;
    if (blueprint.host_state === 'absent' || blueprint.host_state === 'gone') {
      return;
    }
    // Set before the look, so that a box that leaves right after it is heard of.
    this.#hasAwaited = true;
    if (await store.isAwaited(blueprint.id)) {
      return;
    }
    await this.#clear(blueprint.id);
    await store.markGone(blueprint.id);
    await this.#parts.onRemoved();
  }

  async #clear(id: string): Promise<void> {
    const { host } = this.#parts;
    await host.cancelBuild(id);
    await host.removeImage(id);
    await host.forgetBuild(id);
    await this.#parts.services.clear(id);
  }

  async #sweepOnce(): Promise<void> {
    this.#hasAwaited = false;
    for (const id of await this.#parts.store.unsettled()) {
      if (!this.#workers.has(id)) {
        this.nudge(id);
      }
    }
  }
}
