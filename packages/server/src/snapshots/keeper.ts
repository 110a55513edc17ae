import { type Host, HostError } from '@berth/host/contract';
import type { Logger } from 'pino';
import type { NotificationHub } from '../database/notifications.ts';
import { unsettledTopic } from '../devboxes/announce.ts';
import { isLayerId } from '../layers/layer-maker.ts';
import { maySucceedLater, problemOf } from '../reconciler/retries.ts';
import { Sweep } from '../reconciler/sweep.ts';
import { Workers } from '../reconciler/workers.ts';
import type { SnapshotKeeperStore } from './keeper-store.ts';
import { type Snapshot, snapshotsUnsettledTopic } from './snapshot.ts';

export interface SnapshotKeeperParts {
  readonly host: Pick<Host, 'snapshot' | 'deleteSnapshot' | 'snapshots' | 'inspect'>;
  readonly store: SnapshotKeeperStore;
  readonly hub: NotificationHub;
  readonly log: Logger;
  readonly firstPauseMs: number;
  /** A box is no longer kept from its deadlines by a snapshot. */
  readonly onTaken: () => void;
}

/** Phases that a box passes through by itself: its snapshot waits. */
const passingPhases: ReadonlySet<string> = new Set(['starting', 'suspending']);

/**
 * Takes and deletes snapshots on the host as their rows say. A row is written before each act, every act may be repeated, and a restart
 * takes up what is unsettled: a snapshot is as durable as a box. One of which boxes are still to be made is not deleted before they are.
 */
export class SnapshotKeeper {
  readonly #parts: SnapshotKeeperParts;
  readonly #workers: Workers;
  readonly #sweep: Sweep;
  readonly #unsubscribes: Array<() => void> = [];
  /** Some are kept for boxes that are still to be made. */
  #hasAwaited = false;

  constructor(parts: SnapshotKeeperParts) {
    this.#parts = parts;
    this.#workers = new Workers({
      work: (id, _signal, attempt) => this.#work(id, attempt),
      log: parts.log,
      firstPauseMs: parts.firstPauseMs,
    });
    this.#sweep = new Sweep({ name: 'snapshots', log: parts.log, run: () => this.#sweepOnce() });
  }

  /** Begins; what an earlier run left half done is taken up. */
  start(): void {
    const { hub } = this.#parts;
    this.#unsubscribes.push(
      hub.subscribe(snapshotsUnsettledTopic, () => this.#sweep.soon()),
      hub.subscribe(unsettledTopic, () => this.#hasAwaited && this.#sweep.soon()),
    );
    this.#sweep.soon();
  }

  /** Has one snapshot looked at now. */
  nudge(id: string): void {
    this.#workers.nudge(id);
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
   * Compares rows with what the host has: what no row stands for goes, what is missing has failed. Rows are read first, so that a snapshot
   * made meanwhile is not taken for a missing one.
   */
  async compare(): Promise<void> {
    const rows = await this.#parts.store.onHost();
    const present = new Set((await this.#parts.host.snapshots()).map((state) => state.id));
    const expected = new Set(rows.map((row) => row.id));
    for (const row of rows) {
      if (row.status === 'complete' && !present.has(row.id)) {
        await this.#parts.store.fail(row.id, 'host lost: the host no longer has the snapshot');
      }
    }
    for (const id of present) {
      if (!expected.has(id) && !isLayerId(id)) {
        this.nudge(id);
      }
    }
    this.#sweep.soon();
  }

  async #work(id: string, attempt: number): Promise<void> {
    const snapshot = await this.#parts.store.find(id);
    if (snapshot === undefined) {
      this.#parts.log.warn({ snapshotId: id }, 'the host has a snapshot that the database does not know: removing it');
      await this.#parts.host.deleteSnapshot(id);
      return;
    }
    if (snapshot.status === 'in_progress') {
      await this.#take(snapshot, attempt);
      await this.#work(id, 0);
      return;
    }
    const isWanted = snapshot.status === 'complete' && !snapshot.internal;
    if (isWanted) {
      return;
    }
    // Set before the look, so that a box that leaves right after it is heard of.
    this.#hasAwaited = true;
    if (snapshot.status !== 'error' && (await this.#parts.store.isAwaited(id))) {
      return;
    }
    await this.#parts.store.markSpent(id);
    await this.#parts.host.deleteSnapshot(id);
    await this.#parts.store.markGone(id);
  }

  async #take(snapshot: Snapshot, attempt: number): Promise<void> {
    const { host, store } = this.#parts;
    if (!(await store.markRequested(snapshot.id))) {
      return;
    }
    try {
      // One for forks is of no use to anybody later.
      const wish = { memory: snapshot.with_memory, brief: snapshot.internal };
      await store.complete(await host.snapshot(snapshot.devbox_id, snapshot.id, wish));
    } catch (error) {
      if (maySucceedLater(error, attempt) || (await this.#isPassing(error, snapshot.devbox_id))) {
        throw error;
      }
      await store.fail(snapshot.id, problemOf(error));
    }
    this.#parts.onTaken();
  }

  async #isPassing(error: unknown, devboxId: string): Promise<boolean> {
    if (!(error instanceof HostError) || error.code !== 'boxNotRunning') {
      return false;
    }
    return passingPhases.has((await this.#parts.host.inspect(devboxId))?.phase ?? '');
  }

  async #sweepOnce(): Promise<void> {
    this.#hasAwaited = false;
    for (const id of await this.#parts.store.unsettled()) {
      this.nudge(id);
    }
  }
}
