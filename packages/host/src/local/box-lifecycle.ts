import { setTimeout as delay } from 'node:timers/promises';
import type { BoxSpec, BoxState, Isolation, SnapshotState, SnapshotWish } from '../contract/index.ts';
import { HostError } from '../contract/index.ts';
import { HelperError, isDiskFull } from '../helper/helper-error.ts';
import { explainEnd } from './box-end.ts';
import { findImage, hasMemory } from './box-image.ts';
import { BoxMemory, inheritMemory, type Waking } from './box-memory.ts';
import { BoxRemover } from './box-remover.ts';
import { type BoxRow, isNobodys, isPresent, noProcesses, startingRow, stateOf } from './box-row.ts';
import { BoxSleep } from './box-sleep.ts';
import { BoxStarter } from './box-starter.ts';
import { applyDiskLimit } from './disk-limit.ts';
import type { HostParts } from './host-parts.ts';
import { openImage } from './memory-image.ts';
import { BoxClaims } from './pool/box-claims.ts';
import { PooledBoxes } from './pool/pooled-boxes.ts';
import { type Template, templateOf } from './pool/template.ts';
import type { WarmPool } from './pool/warm-pool.ts';
import { lives } from './process-table.ts';
import { recordRow } from './record-row.ts';
import { requireShareable, Sidecars } from './sidecars.ts';
import { snapshotStateOf } from './snapshot-store.ts';
import { Snapshots } from './snapshots.ts';
import { companionEnded, type StopReason } from './stop-cause.ts';
import { Turns } from './turns.ts';

const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 5_000;

interface Starting {
  readonly abort: AbortController;
  readonly done: Promise<BoxState>;
}

/** Turns wishes (create, suspend, destroy) and facts (a box died) into steps, one box at a time; each step is written before it is taken. */
export class BoxLifecycle {
  readonly snapshots: Snapshots;
  readonly pooled: PooledBoxes;
  readonly #parts: HostParts;
  readonly #starter: BoxStarter;
  readonly #remover: BoxRemover;
  readonly #sleep: BoxSleep;
  readonly #claims: BoxClaims;
  readonly #memory: BoxMemory;
  readonly #sidecars: Sidecars;
  /** Suspend, the beginning of a resume, snapshot and destroy of one box come one after the other. */
  readonly #turns = new Turns();
  readonly #starting = new Map<string, Starting>();
  readonly #stopping = new Map<string, Promise<void>>();
  readonly #suspending = new Map<string, Promise<BoxState>>();
  readonly #destroying = new Map<string, Promise<void>>();
  readonly #taking = new Map<string, Promise<SnapshotState>>();
  /** Ends of processes of boxes that are suspended already. */
  readonly #ending = new Set<Promise<void>>();
  #coldStarts = 0;
  #pool: WarmPool | undefined;

  constructor(parts: HostParts) {
    this.#parts = parts;
    this.#starter = new BoxStarter(parts);
    this.#remover = new BoxRemover(parts);
    this.#memory = new BoxMemory(parts);
    this.#sleep = new BoxSleep(parts, this.#remover, this.#memory);
    this.#claims = new BoxClaims(parts, this.#starter);
    const started = async (place: string) => this.#starting.get(place)?.done;
    this.#sidecars = new Sidecars({ store: parts.store, lifecycle: this, started });
    this.snapshots = new Snapshots(parts, this.#memory);
    this.pooled = new PooledBoxes(parts, this.#starter, this.#remover);
  }

  /** Starts the box, or tells what the one with this id is. Two calls at once start one. */
  async create(spec: BoxSpec, isolation: Isolation): Promise<BoxState> {
    const { store, runtimes } = this.#parts;
    const existing = store.get(spec.id);
    if (existing) {
      return this.#starting.get(existing.place)?.done ?? stateOf(existing);
    }
    runtimes.require(isolation);
    requireShareable(this.#parts, spec, isolation);
    const image = findImage(this.#parts, spec.image);
    if (hasMemory(spec.image)) {
      const waking = await inheritMemory(this.#parts, spec.image.snapshotId);
      const meanwhile = store.get(spec.id);
      return meanwhile
        ? (this.#starting.get(meanwhile.place)?.done ?? stateOf(meanwhile))
        : this.#begin(spec, this.#newRow(spec.id, { isolation, size: spec.size, image }), waking);
    }
    const template = templateOf(spec, isolation, image);
    if (spec.networkOf !== undefined) {
      return this.#begin(spec, this.#newRow(spec.id, template, spec.networkOf));
    }
    // From here to the entry in #starting nothing waits, so a second call finds the first.
    const place = this.#pool?.take(template);
    if (place === undefined) {
      return this.#begin(spec, this.#newRow(spec.id, template));
    }
    const row = this.#put({ ...store.requireAt(place), id: spec.id, phase: 'starting' });
    return this.#run(place, (signal) => this.#claim(spec, row, template, signal));
  }

  /** Boxes may come out of this pool from now on. */
  usePool(pool: WarmPool): void {
    this.#pool = pool;
  }

  /** Waits for what goes on behind what callers were told. */
  async close(): Promise<void> {
    await Promise.all(this.#ending);
  }

  /** Whether boxes are being started for somebody. */
  get isStarting(): boolean {
    return this.#coldStarts > 0;
  }

  /**
   * Ends the processes of a running box and keeps its disk, with `memory` the processes too. Two calls at once do it once.
   * @throws HostError `boxNotRunning`, `memoryUnsupported`, `noSpace`
   */
  async suspend(boxId: string, { memory }: { readonly memory: boolean }): Promise<BoxState> {
    const { place } = this.#parts.store.require(boxId);
    const pending =
      this.#suspending.get(place) ?? this.#suspendInTurn(place, memory).finally(() => this.#suspending.delete(place));
    this.#suspending.set(place, pending);
    return pending;
  }

  /**
   * Starts a suspended box again, with `memory` from its memory if it was kept. Resolves with what is, `suspended` when it did not start.
   * @throws HostError `boxNotFound`, `boxNotSuspended`, `imageUnavailable`, `checkpointUnusable`
   */
  async resume(spec: BoxSpec, { memory }: { readonly memory: boolean }): Promise<BoxState> {
    const { paths, store } = this.#parts;
    const { place } = store.require(spec.id);
    const { started } = await this.#turns.run(place, async () => {
      await this.#sleep.endProcesses(place);
      const row = store.requireAt(place);
      const directory =
        memory && row.phase === 'suspended' && row.memory === 'kept' ? paths.boxMemory(place) : undefined;
      if (directory !== undefined) {
        this.#memory.require(row);
        await openImage(directory);
      }
      return { started: this.#resume(spec, place, directory === undefined ? undefined : { directory }) };
    });
    return started;
  }

  /**
   * Keeps the disk of a box, with `memory` its processes too. The same id again tells what is there.
   * @throws HostError `boxNotRunning`, `memoryUnsupported`, `noSpace`
   */
  async snapshot(boxId: string, snapshotId: string, wish: SnapshotWish): Promise<SnapshotState> {
    const { store, snapshotStore } = this.#parts;
    const pending = this.#taking.get(snapshotId);
    const existing = snapshotStore.get(snapshotId);
    if (pending) {
      return pending;
    }
    if (existing?.phase === 'ready') {
      return snapshotStateOf(existing);
    }
    if (existing) {
      throw new HostError('snapshotNotFound', `snapshot ${snapshotId} was deleted`);
    }
    const { place } = store.require(boxId);
    const taken = this.#turns
      .run(place, () => this.#snapshot(place, snapshotId, wish))
      .finally(() => this.#taking.delete(snapshotId));
    this.#taking.set(snapshotId, taken);
    return taken;
  }

  async deleteSnapshot(snapshotId: string): Promise<void> {
    await this.#taking.get(snapshotId)?.catch(() => undefined);
    await this.snapshots.delete(snapshotId);
    await this.#pool?.release(this.#parts.paths.snapshotLayer(snapshotId));
    await this.snapshots.collect();
  }

  /** Ends the box and frees all but its records. Repeatable from every half-done state. */
  async destroy(boxId: string): Promise<void> {
    const row = this.#parts.store.get(boxId);
    if (!row || row.phase === 'destroyed') {
      return;
    }
    const { place } = row;
    const pending =
      this.#destroying.get(place) ??
      this.#memory
        .abandoning(place, () => this.#turns.run(place, () => this.#destroy(place)))
        .finally(() => this.#destroying.delete(place));
    this.#destroying.set(place, pending);
    await pending;
  }

  /** The init process of the box in this place, or the companion that its runtime needs, has ended. */
  async exited(place: string, pid: number, waitStatus: number | null): Promise<void> {
    const { companions, store, log } = this.#parts;
    this.#sleep.processesEnded(place, pid, waitStatus);
    const isAffected = () => {
      const row = store.at(place);
      return row !== undefined && isPresent(row) && (row.pid === pid || companions.get(place) === pid);
    };
    if (this.#isPoolMatter(place)) {
      return;
    }
    // What has happened has to be recorded, whatever stands in the way for a while.
    for (let delayMs = FIRST_RETRY_MS; isAffected(); delayMs = Math.min(delayMs * 2, LAST_RETRY_MS)) {
      try {
        await this.stop(place, () => explainEnd(this.#parts, place, pid, waitStatus));
      } catch (error) {
        log.error({ place, error: String(error) }, 'the end of a box could not be handled; trying again');
        await delay(delayMs, undefined, { ref: false });
      }
    }
  }

  /** Ends the processes of a present box, for this reason; its disk stays. Once; later reasons do not count. */
  async stop(place: string, reason: () => Promise<StopReason>): Promise<void> {
    const row = this.#parts.store.at(place);
    if (!row || !isPresent(row) || this.#isPoolMatter(place)) {
      return this.#stopping.get(place);
    }
    const pending = this.#stopping.get(place) ?? this.#stop(place, reason).finally(() => this.#stopping.delete(place));
    this.#stopping.set(place, pending);
    await pending;
  }

  /** The end of a box that waits in the pool, or is just being given to somebody, is no end that anyone hears of. */
  #isPoolMatter(place: string): boolean {
    const row = this.#parts.store.at(place);
    if (row && isNobodys(row)) {
      this.#pool?.lose(place);
      return true;
    }
    return this.#claims.ended(place);
  }

  /** The companion of a box ended while no host watched it. */
  async companionGone(place: string): Promise<void> {
    await this.stop(place, async () => ({ cause: 'runtime_failed', detail: companionEnded }));
  }

  /** Makes sure that a sleeping box has no process, and the disk that its memory belongs to. */
  async settleSleep(row: BoxRow): Promise<void> {
    await this.#sleep.endProcesses(row.place);
    await this.#sleep.undoWaking(row);
  }

  /** The box goes on with its processes: what was kept for that is needed no more. */
  async dropMemory(place: string): Promise<void> {
    await this.#sleep.dropMemory(place);
  }

  /** Finishes what an earlier life of the host began: a suspend, or a resume, which is taken back. */
  async fallAsleep(place: string): Promise<void> {
    await this.#turns.run(place, async () => {
      const row = this.#parts.store.requireAt(place);
      if (row.memory !== 'keeping') {
        await this.#sidecars.suspendAll(row.id);
        await this.#sleep.fallAsleep(place);
      } else if (await lives(row)) {
        await this.#sleep.fallAsleepWithMemory(place);
        await this.#sleep.endProcesses(place);
      } else {
        await this.#sleep.lostAsleep(place);
      }
    });
  }

  #newRow(boxId: string, template: Pick<Template, 'isolation' | 'size' | 'image'>, networkOf?: string): BoxRow {
    const slot = this.#parts.store.freeSlot(this.#parts.configuration.owners);
    return this.#put(startingRow(boxId, slot, template, networkOf));
  }

  #begin(spec: BoxSpec, row: BoxRow, waking?: Waking): Promise<BoxState> {
    return this.#run(row.place, (signal) => this.#start(spec, row, waking, signal));
  }

  #run(place: string, start: (signal: AbortSignal) => Promise<BoxState>): Promise<BoxState> {
    const abort = new AbortController();
    const done = start(abort.signal).finally(() => this.#starting.delete(place));
    this.#starting.set(place, { abort, done });
    return done;
  }

  /** Makes a pooled box that of the spec; when it turns out to be dead, starts another in its stead. */
  async #claim(spec: BoxSpec, row: BoxRow, template: Template, signal: AbortSignal): Promise<BoxState> {
    const { store, log } = this.#parts;
    const { place } = row;
    const begunMs = performance.now();
    const isGiven = await this.#claims.give(spec, row, signal);
    const now = store.requireAt(place);
    if (now.phase !== 'starting') {
      return stateOf(now);
    }
    if (isGiven) {
      const running = this.#put({ ...now, phase: 'running', startedMs: Date.now() });
      log.info({ boxId: spec.id, place, startMs: Math.round(performance.now() - begunMs) }, 'box runs, from the pool');
      return stateOf(running);
    }
    // It may know what it was told: nobody else gets it.
    store.put({ ...now, id: place, phase: 'destroying' });
    const fresh = this.#newRow(spec.id, template);
    const starting = this.#starting.get(place);
    if (starting) {
      this.#starting.set(fresh.place, starting);
    }
    this.#pool?.lose(place);
    try {
      return await this.#start(spec, fresh, undefined, signal);
    } finally {
      this.#starting.delete(fresh.place);
    }
  }

  async #start(spec: BoxSpec, row: BoxRow, waking: Waking | undefined, signal: AbortSignal): Promise<BoxState> {
    const { store, log } = this.#parts;
    const { place, id, phase } = row;
    const begunMs = performance.now();
    this.#coldStarts++;
    try {
      await this.#starter.start(spec, row, signal, waking);
      await this.#starter.configure(spec, row, signal);
      if (phase === 'resuming') {
        await applyDiskLimit(this.#parts, row);
      }
      if (store.requireAt(place).phase === phase) {
        const started = { startedMs: Date.now(), stoppedMs: undefined, memory: undefined };
        this.#put({ ...store.requireAt(place), phase: 'running', ...started });
        if (phase === 'resuming') {
          this.#sleep.dropMemorySoon(place);
        }
        log.info({ boxId: id, startMs: Math.round(performance.now() - begunMs) }, 'box runs');
      }
    } catch (error) {
      const detail = error instanceof Error ? error.message : String(error);
      await this.stop(place, async () => ({ cause: isDiskFull(error) ? 'out_of_disk' : 'runtime_failed', detail }));
      if (
        waking !== undefined &&
        phase === 'resuming' &&
        error instanceof HelperError &&
        error.code === 'runtimeFailed'
      ) {
        throw new HostError('checkpointUnusable', `the memory of box ${id} cannot be used: ${detail}`);
      }
    } finally {
      this.#coldStarts--;
      this.#pool?.wake();
    }
    return stateOf(store.requireAt(place));
  }

  /** Answers as soon as the box is suspended; its turn is over when its processes have ended too. */
  #suspendInTurn(place: string, memory: boolean): Promise<BoxState> {
    const { promise, resolve, reject } = Promise.withResolvers<BoxState>();
    const turn = this.#turns.run(place, async () => {
      resolve(await this.#suspend(place, memory));
      const ending = this.#sleep.endProcesses(place).catch((error: unknown) => {
        // Whatever comes next for this box tries again.
        this.#parts.log.error({ place, error: String(error) }, 'the processes of a suspended box could not be ended');
      });
      this.#ending.add(ending);
      await ending.finally(() => this.#ending.delete(ending));
    });
    turn.catch(reject);
    return promise;
  }

  async #suspend(place: string, memory: boolean): Promise<BoxState> {
    const row = await this.#settled(place);
    if (row.phase === 'suspended') {
      return stateOf(row);
    }
    if (row.phase !== 'running' && row.phase !== 'suspending') {
      throw new HostError('boxNotRunning', `box ${row.id} is ${stateOf(row).phase}`);
    }
    if (memory) {
      return this.#sleep.fallAsleepWithMemory(place);
    }
    this.#put({ ...row, phase: 'suspending' });
    await this.#sidecars.suspendAll(row.id);
    return this.#sleep.fallAsleep(place);
  }

  /** Nothing waits before the row is written. */
  #resume(spec: BoxSpec, place: string, waking: Waking | undefined): Promise<BoxState> {
    const row = this.#parts.store.requireAt(place);
    if (row.phase === 'running' || row.phase === 'starting' || row.phase === 'resuming') {
      return this.#starting.get(place)?.done ?? Promise.resolve(stateOf(row));
    }
    this.#sleep.requireWakeable(row);
    return this.#begin(spec, this.#put({ ...row, phase: 'resuming', cause: undefined, detail: undefined }), waking);
  }

  async #snapshot(place: string, snapshotId: string, wish: SnapshotWish): Promise<SnapshotState> {
    const row = this.#parts.store.requireAt(place);
    if (wish.memory) {
      this.#memory.require(row);
    }
    if (row.phase !== 'running' && (wish.memory || (row.phase !== 'suspended' && row.phase !== 'stopped'))) {
      throw new HostError('boxNotRunning', `box ${row.id} is ${stateOf(row).phase}`);
    }
    return this.snapshots.take(row, snapshotId, wish);
  }

  async #stop(place: string, reason: () => Promise<StopReason>): Promise<void> {
    const { store, log } = this.#parts;
    const { cause, detail } = await reason();
    log.warn({ boxId: store.requireAt(place).id, cause, detail }, 'box stopped');
    await this.#sidecars.stopAll(store.requireAt(place).id);
    // Whoever waits for its guest waits for nothing.
    this.#starting.get(place)?.abort.abort(new Error(detail));
    await this.#remover.killProcesses(store.requireAt(place));
    const before = store.requireAt(place);
    const memory = await this.#sleep.settle(
      before.phase === 'resuming' ? before : { ...before, memory: undefined },
      detail,
    );
    await this.#remover.removeRuntimeFiles(place);
    const row = store.requireAt(place);
    if (!isPresent(row)) {
      return;
    }
    const end = { cause, detail, memory, stoppedMs: Date.now() };
    this.#put(
      row.phase === 'resuming'
        ? { ...row, ...noProcesses, phase: 'suspended', ...end }
        : { ...row, phase: 'stopped', ...end },
    );
  }

  async #destroy(place: string): Promise<void> {
    const { store, guests, log } = this.#parts;
    const before = await this.#settled(place);
    this.#put({ ...before, phase: 'destroying', stoppedMs: before.stoppedMs ?? Date.now() });
    await this.#sidecars.destroyAll(before.id);
    const starting = this.#starting.get(place);
    starting?.abort.abort(new Error('the box is being destroyed'));
    await starting?.done.catch(() => undefined);
    await this.#remover.killProcesses(store.requireAt(place));
    await guests.live(place).boxEnded('the box was destroyed');
    guests.retire(place);
    await Promise.all([
      this.#remover.removeRuntimeFiles(place),
      this.#remover.removeVolume(place),
      this.#sleep.dropMemory(place),
    ]);
    this.#put({ ...store.requireAt(place), phase: 'destroyed', cause: before.cause ?? 'destroyed' });
    // What the box stood on may be needed by nobody now; where this fails, the next one or a restart does it.
    await this.snapshots
      .collect()
      .catch((error: unknown) => log.error({ error: String(error) }, 'snapshots could not be collected'));
  }

  #put(row: BoxRow): BoxRow {
    return recordRow(this.#parts, row);
  }

  /** Waits while the box is being stopped; its row is settled then. */
  async #settled(place: string): Promise<BoxRow> {
    for (let stopping = this.#stopping.get(place); stopping; stopping = this.#stopping.get(place)) {
      await stopping.catch(() => undefined);
    }
    return this.#parts.store.requireAt(place);
  }
}
