import type { BuildState, HostEvent } from '@berth/host/contract';
import type { Logger } from 'pino';
import type { NotificationHub } from '../database/notifications.ts';
import { unsettledTopic } from '../devboxes/announce.ts';
import { type Devbox, isEnded } from '../devboxes/devbox.ts';
import type { DueStore } from '../devboxes/due-store.ts';
import { isLayerId } from '../layers/layer-maker.ts';
import { Alarm } from './alarm.ts';
import { Births } from './births.ts';
import { findDifferences } from './compare.ts';
import { handleDeadlines } from './deadlines.ts';
import { drive } from './drive.ts';
import { FairQueue } from './fair-queue.ts';
import { HostWatch } from './host-watch.ts';
import type { StepParts } from './parts.ts';
import { isEntrypoint } from './platform-executions.ts';
import type { ReconcilerSettings } from './settings.ts';
import { Sweep } from './sweep.ts';
import { Workers } from './workers.ts';

export interface ReconcilerParts
  extends Omit<StepParts, 'creates' | 'births' | 'defaultIsolation' | 'onDeadline' | 'suspendedTtlMs'> {
  readonly dues: DueStore;
  readonly hub: NotificationHub;
  readonly settings: ReconcilerSettings;
  readonly evictions: Parameters<typeof handleDeadlines>[0]['evictions'];
  /** Called with each connection to the host, before boxes are compared. */
  readonly onHostConnected: () => Promise<void>;
  /** Called with news of builds, which are not the reconciler's. */
  readonly onBuild: (state: BuildState) => void;
}

/** Closes the difference between what rows say is wanted and what the host says is. */
export class Reconciler {
  /** Creates that begin before their row is written. */
  readonly births: Births;
  readonly #parts: ReconcilerParts;
  readonly #workers: Workers;
  readonly #watch: HostWatch;
  readonly #deadlines: Alarm;
  readonly #retention: Alarm;
  readonly #sweep: Sweep;
  readonly #log: Logger;
  /** Status that the worker of a box acts on. */
  readonly #acting = new Map<string, Devbox['status']>();
  #unsubscribe: () => void = () => undefined;

  constructor(parts: ReconcilerParts) {
    this.#parts = parts;
    this.#log = parts.log;
    const creates = new FairQueue(parts.settings.parallelCreates);
    const { defaultIsolation } = parts.settings;
    this.births = new Births({ ...parts, defaultIsolation, creates, onDropped: (id) => this.nudge(id) });
    const steps: StepParts = {
      ...parts,
      defaultIsolation,
      suspendedTtlMs: parts.settings.suspendedTtlMs,
      creates,
      births: this.births,
      onDeadline: (inMs) => this.#deadlines.within(inMs),
      onReleased: (box) => {
        parts.onReleased(box);
        this.#retention.within(parts.settings.retentionMs);
      },
    };
    this.#workers = new Workers({
      work: (id, signal, attempt, box) => this.#work(steps, id, signal, attempt, box),
      log: parts.log,
      firstPauseMs: parts.settings.firstPauseMs,
    });
    this.#watch = new HostWatch({
      host: parts.host,
      log: parts.log,
      onConnected: () => this.#compare(),
      onEvent: (event) => this.#heard(event),
    });
    this.#deadlines = new Alarm({
      name: 'deadlines',
      log: parts.log,
      run: () => handleDeadlines(parts),
      nextInMs: () => parts.dues.nextDeadlineInMs(),
    });
    this.#retention = new Alarm({
      name: 'retention',
      log: parts.log,
      run: () => this.#forget(),
      nextInMs: () => parts.dues.nextForgettableInMs(parts.settings.retentionMs),
    });
    this.#sweep = new Sweep({ name: 'devboxes', log: parts.log, run: () => this.#sweepOnce() });
  }

  /** Begins; what an earlier run left half done is taken up. */
  start(): void {
    this.#unsubscribe = this.#parts.hub.subscribe(unsettledTopic, () => this.#sweep.soon());
    this.#watch.start();
    this.#deadlines.start();
    this.#retention.start();
    this.#sweep.soon();
  }

  /** Has one box looked at now; `box` is that box as it was just written. */
  nudge(id: string, box?: Devbox): void {
    this.#workers.nudge(id, box);
  }

  /** Something may be due in this time, earlier than was known. */
  lookAtDeadlines(inMs = 0): void {
    this.#deadlines.within(inMs);
  }

  /** Number of boxes that are being worked on. */
  get inMotion(): number {
    return this.#workers.size;
  }

  /** Whether the host is being followed. */
  get hostConnected(): boolean {
    return this.#watch.connected;
  }

  /** Stops between steps. Everything is in the database. */
  async stop(): Promise<void> {
    this.#unsubscribe();
    await Promise.all([this.#watch.stop(), this.#deadlines.stop(), this.#retention.stop(), this.#workers.stop()]);
    await this.#sweep.stop();
  }

  #heard(event: HostEvent): void {
    if (event.type === 'box' && isLayerId(event.state.id)) {
      return;
    }
    if (event.type === 'box') {
      const { id, phase, networkOf } = event.state;
      // A sidecar goes with its box, and leaves that alone when it ends by itself.
      if (networkOf !== undefined) {
        return;
      }
      // A worker that destroys a box hears of it in its own answer.
      if (phase === 'stopped' || (phase === 'destroyed' && !this.#workers.has(id))) {
        this.nudge(id);
      }
    } else if (event.type === 'build') {
      this.#parts.onBuild(event.state);
    } else if (isEntrypoint(event.executionId)) {
      this.nudge(event.boxId);
    } else {
      this.#parts.activity
        .heardEnd(event.boxId, event.executionId)
        .catch((error: unknown) => this.#log.warn({ err: error }, 'end of an execution not recorded'));
    }
  }

  /** Looks at boxes that are on their way, or are to go. */
  async #sweepOnce(): Promise<void> {
    for (const { id, status } of await this.#parts.dues.restless()) {
      // A worker still acts on an earlier status, waiting for a command perhaps: it is told of the end.
      const isLate = isEnded({ status }) && this.#acting.get(id) !== status;
      if (!this.#workers.has(id) || isLate) {
        this.nudge(id);
      }
    }
  }

  async #work(
    steps: StepParts,
    id: string,
    signal: AbortSignal,
    attempt: number,
    box: Devbox | undefined,
  ): Promise<void> {
    try {
      await drive(steps, id, signal, attempt, (status) => this.#acting.set(id, status), box);
    } finally {
      this.#acting.delete(id);
    }
  }

  async #compare(): Promise<void> {
    await this.#parts.onHostConnected();
    for (const id of await findDifferences(this.#parts.host, this.#parts.dues)) {
      this.nudge(id);
    }
  }

  async #forget(): Promise<void> {
    for (const id of await this.#parts.dues.forgettable(this.#parts.settings.retentionMs)) {
      await this.#parts.host.forget(id);
      await this.#parts.store.markForgotten(id);
    }
  }
}
