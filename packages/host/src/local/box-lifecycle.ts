import { existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { type BoxSpec, type BoxState, HostError, type Isolation, type Layer } from '../contract/index.ts';
import { HelperError } from '../helper/helper-error.ts';
import { readOomKills } from '../runtimes/oci/cgroup-usage.ts';
import { BoxRemover } from './box-remover.ts';
import { BoxStarter } from './box-starter.ts';
import { type BoxRow, stateOf } from './box-store.ts';
import { cgroupsPathOf, type HostParts } from './host-parts.ts';
import { companionEnded, explainCompanionExit, explainExit, type StopReason } from './stop-cause.ts';

const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 5_000;

interface Starting {
  readonly abort: AbortController;
  readonly done: Promise<BoxState>;
}

/** Turns wishes (create, destroy) and facts (a box died) into steps, one box at a time; each step is written before it is taken. */
export class BoxLifecycle {
  readonly #parts: HostParts;
  readonly #starter: BoxStarter;
  readonly #remover: BoxRemover;
  readonly #starting = new Map<string, Starting>();
  readonly #stopping = new Map<string, Promise<void>>();
  readonly #destroying = new Map<string, Promise<void>>();

  constructor(parts: HostParts) {
    this.#parts = parts;
    this.#starter = new BoxStarter(parts);
    this.#remover = new BoxRemover(parts);
  }

  /** Starts the box, or tells what the one with this id is. Two calls at once start one. */
  async create(spec: BoxSpec, isolation: Isolation): Promise<BoxState> {
    const { store } = this.#parts;
    const existing = store.get(spec.id);
    if (existing) {
      return this.#starting.get(spec.id)?.done ?? stateOf(existing);
    }
    this.#parts.runtimes.require(isolation);
    const { layers, environment } = this.#image(spec);
    // From here to the entry in #starting nothing waits, so a second call finds the first.
    const row = this.#put({
      id: spec.id,
      phase: 'starting',
      isolation,
      slot: store.freeSlot(),
      size: spec.size,
      pid: undefined,
      startTimeTicks: undefined,
      netSlot: undefined,
      ipv4: undefined,
      cause: undefined,
      detail: undefined,
      startedMs: undefined,
      stoppedMs: undefined,
    });
    const abort = new AbortController();
    const done = this.#start(spec, row, layers, environment, abort.signal).finally(() =>
      this.#starting.delete(spec.id),
    );
    this.#starting.set(spec.id, { abort, done });
    return done;
  }

  /** Ends the box and frees all but its records. Repeatable from every half-done state. */
  async destroy(boxId: string): Promise<void> {
    const row = this.#parts.store.get(boxId);
    if (!row || row.phase === 'destroyed') {
      return;
    }
    const pending = this.#destroying.get(boxId) ?? this.#destroy(boxId).finally(() => this.#destroying.delete(boxId));
    this.#destroying.set(boxId, pending);
    await pending;
  }

  /** The init process of a box, or the companion that its runtime needs, has ended. */
  async exited(boxId: string, pid: number, waitStatus: number | null): Promise<void> {
    const { companions, store, log } = this.#parts;
    const isPresent = () => {
      const row = store.get(boxId);
      const known = row?.pid === pid || companions.get(boxId) === pid;
      return known && (row?.phase === 'starting' || row?.phase === 'running');
    };
    // What has happened has to be recorded, whatever stands in the way for a while.
    for (let delayMs = FIRST_RETRY_MS; isPresent(); delayMs = Math.min(delayMs * 2, LAST_RETRY_MS)) {
      try {
        await this.stop(boxId, () => this.#explain(boxId, pid, waitStatus));
      } catch (error) {
        log.error({ boxId, error: String(error) }, 'the end of a box could not be handled; trying again');
        await delay(delayMs, undefined, { ref: false });
      }
    }
  }

  /** Ends the processes of a present box, for this reason; its disk stays. Once; later reasons do not count. */
  async stop(boxId: string, reason: () => Promise<StopReason>): Promise<void> {
    const row = this.#parts.store.get(boxId);
    if (!row || (row.phase !== 'starting' && row.phase !== 'running')) {
      return this.#stopping.get(boxId);
    }
    const pending = this.#stopping.get(boxId) ?? this.#stop(boxId, reason).finally(() => this.#stopping.delete(boxId));
    this.#stopping.set(boxId, pending);
    await pending;
  }

  /** The companion of a box ended while no host watched it. */
  async companionGone(boxId: string): Promise<void> {
    await this.stop(boxId, async () => ({ cause: 'runtime_failed', detail: companionEnded }));
  }

  async #explain(boxId: string, pid: number, waitStatus: number | null): Promise<StopReason> {
    const { cgroups, companions, configuration, paths, runtimes, store } = this.#parts;
    const row = store.require(boxId);
    const oomKills = await readOomKills(cgroups, cgroupsPathOf(configuration, boxId));
    if (companions.get(boxId) === pid) {
      return explainCompanionExit(waitStatus, oomKills);
    }
    const lastWords = await runtimes.get(row.isolation)?.lastWords(paths.bundle(boxId));
    return lastWords
      ? { cause: 'runtime_failed', detail: `the sandbox failed: ${lastWords}` }
      : explainExit(waitStatus, oomKills);
  }

  async #start(
    spec: BoxSpec,
    row: BoxRow,
    layers: readonly Layer[],
    environment: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<BoxState> {
    const { store, log } = this.#parts;
    const begunMs = performance.now();
    try {
      await this.#starter.start(spec, row, layers, signal);
      await this.#starter.configure(spec, environment, signal);
      if (store.require(row.id).phase === 'starting') {
        this.#put({ ...store.require(row.id), phase: 'running', startedMs: Date.now() });
        log.info({ boxId: row.id, startMs: Math.round(performance.now() - begunMs) }, 'box runs');
      }
    } catch (error) {
      const detail = error instanceof Error ? error.message : String(error);
      await this.stop(row.id, async () => ({ cause: isDiskFull(error) ? 'out_of_disk' : 'runtime_failed', detail }));
    }
    return stateOf(store.require(row.id));
  }

  async #stop(boxId: string, reason: () => Promise<StopReason>): Promise<void> {
    const { store, guests, log } = this.#parts;
    const { cause, detail } = await reason();
    log.warn({ boxId, cause, detail }, 'box stopped');
    await this.#remover.killProcesses(store.require(boxId));
    await guests.live(boxId).boxEnded(detail);
    await this.#remover.removeRuntimeFiles(boxId);
    guests.retire(boxId);
    this.#put({ ...store.require(boxId), phase: 'stopped', cause, detail, stoppedMs: Date.now() });
  }

  async #destroy(boxId: string): Promise<void> {
    const { store, guests } = this.#parts;
    await this.#stopping.get(boxId)?.catch(() => undefined);
    const before = store.require(boxId);
    this.#put({ ...before, phase: 'destroying', stoppedMs: before.stoppedMs ?? Date.now() });
    const starting = this.#starting.get(boxId);
    starting?.abort.abort(new Error('the box is being destroyed'));
    await starting?.done.catch(() => undefined);
    await this.#remover.killProcesses(store.require(boxId));
    await guests.live(boxId).boxEnded('the box was destroyed');
    guests.retire(boxId);
    await Promise.all([this.#remover.removeRuntimeFiles(boxId), this.#remover.removeVolume(boxId)]);
    this.#put({ ...store.require(boxId), phase: 'destroyed', cause: before.cause ?? 'destroyed' });
  }

  #put(row: BoxRow): BoxRow {
    this.#parts.store.put(row);
    this.#parts.emit({ type: 'box', state: stateOf(row) });
    return row;
  }

  #image(spec: BoxSpec): { layers: readonly Layer[]; environment: Readonly<Record<string, string>> } {
    if (spec.image !== 'default') {
      if ('snapshotId' in spec.image) {
        throw new HostError('imageUnavailable', `there is no snapshot ${spec.image.snapshotId}`);
      }
      const missing = spec.image.layers.find((layer) => !existsSync(layer.path));
      if (missing) {
        throw new HostError('imageUnavailable', `layer ${missing.path} does not exist`);
      }
      return { layers: spec.image.layers, environment: { ...spec.image.environment, ...spec.environment } };
    }
    const path = this.#parts.configuration.imageRootfs;
    if (path === undefined || !existsSync(path)) {
      throw new HostError('imageUnavailable', `the default image is not there: ${path ?? 'none is configured'}`);
    }
    return { layers: [{ path, ownerBase: 0 }], environment: spec.environment };
  }
}

/** The volume, or the disk that the host keeps its files on, has no room. */
function isDiskFull(error: unknown): boolean {
  const name = error instanceof HelperError ? error.osError : error instanceof Error && 'code' in error && error.code;
  return name === 'ENOSPC' || name === 'EDQUOT';
}
