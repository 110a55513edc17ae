import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type BoxState, HostError } from '../contract/index.ts';
import { hostErrorOf } from '../helper/helper-error.ts';
import { explainEnd } from './box-end.ts';
import { requireLayers } from './box-image.ts';
import type { BoxMemory } from './box-memory.ts';
import type { BoxRemover } from './box-remover.ts';
import { type BoxRow, noProcesses, stateOf } from './box-row.ts';
import type { HostParts } from './host-parts.ts';
import { removeImage, sealImage } from './memory-image.ts';
import { lives } from './process-table.ts';
import { recordRow } from './record-row.ts';
import { flush } from './still-box.ts';
import type { StopReason } from './stop-cause.ts';

/** How a box loses its processes and keeps its disk and its slot. */
export class BoxSleep {
  readonly #parts: HostParts;
  readonly #remover: BoxRemover;
  readonly #memory: BoxMemory;
  /** Of boxes that are falling asleep: aborted when their processes end by themselves. */
  readonly #ended = new Map<string, AbortController>();
  /** Which process of a box that is falling asleep ended first, and how. */
  readonly #ends = new Map<string, { readonly pid: number; readonly waitStatus: number | null }>();
  readonly #dropping = new Map<string, Promise<void>>();

  constructor(parts: HostParts, remover: BoxRemover, memory: BoxMemory) {
    this.#parts = parts;
    this.#remover = remover;
    this.#memory = memory;
  }

  /**
   * Takes a running box, or one whose memory an earlier life of the host was about to keep, to `suspended` with its memory. Its processes stand still then;
   * they end by {@link endProcesses}. @throws HostError when its memory could not be kept: the box runs on
   */
  async fallAsleepWithMemory(place: string): Promise<BoxState> {
    const { store, guests, helper, paths, log } = this.#parts;
    const row = store.requireAt(place);
    this.#memory.require(row);
    recordRow(this.#parts, { ...row, phase: 'suspending', memory: 'keeping' });
    await this.#dropping.get(place);
    try {
      // No flush: the runtime writes the box's files back before its memory, and the image is sealed with the whole file system.
      await this.#memory.pause(row);
      await this.#memory.hold(row, paths.boxMemory(place));
      try {
        await sealImage(helper, paths.boxMemory(place), guests.live(place).heritage());
        await guests.live(place).park();
      } catch (error) {
        await this.#memory.unpause(row);
        throw hostErrorOf(error, `the memory of box ${row.id} could not be kept`);
      }
    } catch (error) {
      if (!(await lives(row))) {
        return this.lostAsleep(place);
      }
      await this.dropMemory(place);
      recordRow(this.#parts, { ...store.requireAt(place), phase: 'running', memory: undefined });
      throw error;
    } finally {
      this.#ends.delete(place);
    }
    const asleep = { ...store.requireAt(place), phase: 'suspended', memory: 'kept', stoppedMs: Date.now() } as const;
    log.info({ boxId: row.id, memory: true }, 'box suspended');
    return stateOf(recordRow(this.#parts, asleep, { firmly: true }));
  }

  /** Ends what is left of a box that sleeps with its memory: processes, network, files that only they need. Repeatable. */
  async endProcesses(place: string): Promise<void> {
    const { store } = this.#parts;
    const row = store.requireAt(place);
    if (row.phase !== 'suspended' || row.pid === undefined) {
      return;
    }
    const memory = await this.#end(row, 'its memory could not be kept');
    recordRow(this.#parts, { ...store.requireAt(place), ...noProcesses, memory });
  }

  /** The processes of the box ended before their memory was whole: it sleeps with its disk, and its row says what became of them. */
  async lostAsleep(place: string): Promise<BoxState> {
    const row = this.#parts.store.requireAt(place);
    const { cause, detail } = await this.#explain(row);
    recordRow(this.#parts, { ...row, memory: undefined, cause, detail });
    return this.fallAsleep(place);
  }

  /** Takes a box that is `suspending`, or was `resuming` in an earlier life, to `suspended`. Repeatable from every half-done state. */
  async fallAsleep(place: string): Promise<BoxState> {
    const { store, log } = this.#parts;
    const before = store.requireAt(place);
    let row = before.phase === 'suspending' ? before : recordRow(this.#parts, { ...before, phase: 'suspending' });
    // Of a box that was only being started nothing has run; what one has done that is taken back is of no use.
    if (before.phase === 'suspending' && row.memory === undefined && row.stoppedMs === undefined) {
      const loss = await this.#flush(row);
      // From here on nothing that it might still write counts, whatever life of the host goes on with this.
      row = recordRow(this.#parts, { ...row, stoppedMs: Date.now(), ...(row.cause === undefined ? loss : {}) });
    }
    const memory = await this.#end(row, row.detail ?? 'the box was suspended');
    const end = { ...row, ...noProcesses, phase: 'suspended', memory, stoppedMs: Date.now() } as const;
    // Where `kept` was written firmly, a power loss in between is made good by the next life.
    const suspended = recordRow(this.#parts, end, { firmly: memory === undefined });
    log.info({ boxId: row.id, memory: memory !== undefined }, 'box suspended');
    return stateOf(suspended);
  }

  /** Ends the processes and removes what only they need. @returns what its row is to say of its memory */
  async #end(row: BoxRow, reason: string): Promise<'kept' | undefined> {
    await this.#remover.killProcesses(row);
    const [memory] = await Promise.all([this.settle(row, reason), this.#remover.removeRuntimeFiles(row.place)]);
    return memory;
  }

  /**
   * The box has no process left. With a memory image that belongs to its disk, or can be made to again, it waits for its processes to go on; else what it ran
   * is lost for this reason. @returns what its row is to say of its memory
   */
  async settle({ place, memory }: BoxRow, reason: string): Promise<'kept' | undefined> {
    const { guests, helper, log, paths } = this.#parts;
    try {
      if (memory === 'waking') {
        await helper.call('subvolumeRestore', { path: paths.subvolume(place), snapshot: paths.sleepingDisk(place) });
      }
      if (memory === 'waking' || memory === 'kept') {
        await guests.live(place).park();
        return 'kept';
      }
    } catch (error) {
      log.error({ place, error: String(error) }, 'the disk that belongs to the memory of a box is gone');
    }
    await guests.live(place).boxEnded(reason);
    guests.retire(place);
    await this.dropMemory(place);
    return undefined;
  }

  /**
   * A box that sleeps with its memory while a disk is kept for its waking: it had begun to wake, and a power loss took the row that said so. @throws HostError
   */
  async undoWaking({ place, memory }: BoxRow): Promise<void> {
    const { helper, paths } = this.#parts;
    const snapshot = paths.sleepingDisk(place);
    if (memory === 'kept' && existsSync(snapshot)) {
      await helper.call('subvolumeRestore', { path: paths.subvolume(place), snapshot });
      await helper.call('subvolumeDelete', { path: snapshot });
    }
  }

  /** The same soon. Who keeps the memory of the box again waits for it. */
  dropMemorySoon(place: string): void {
    const dropping = this.dropMemory(place)
      .catch((error: unknown) => {
        if (!this.#parts.helper.closed) {
          this.#parts.log.error({ place, error: String(error) }, 'the memory image of a box could not be removed');
        }
      })
      .finally(() => {
        if (this.#dropping.get(place) === dropping) {
          this.#dropping.delete(place);
        }
      });
    this.#dropping.set(place, dropping);
  }

  /** Removes what is kept for going on, if anything is. */
  async dropMemory(place: string): Promise<void> {
    const { helper, paths } = this.#parts;
    await removeImage(paths.boxMemory(place));
    await helper.call('subvolumeDelete', { path: paths.sleepingDisk(place) });
  }

  /** A process without which the box cannot go on has ended, with this status if anybody saw it: nobody has to wait for them. */
  processesEnded(place: string, pid: number, waitStatus: number | null): void {
    this.#ended.get(place)?.abort();
    const row = this.#parts.store.at(place);
    // Later ends are the host's own doing.
    const counts = row?.memory === 'keeping' || (row?.memory === undefined && row?.stoppedMs === undefined);
    if (row?.phase === 'suspending' && counts && !this.#ends.has(place)) {
      this.#ends.set(place, { pid, waitStatus });
    }
  }

  /** Has the box write back its files. @returns nothing when all of them are on its disk, else why not */
  async #flush(row: BoxRow): Promise<Partial<StopReason>> {
    const { place } = row;
    const ended = new AbortController();
    this.#ended.set(place, ended);
    if (this.#ends.has(place)) {
      ended.abort();
    }
    try {
      const isFlushed = (await this.#isReachable(row)) && (await flush(this.#parts, row, ended.signal));
      if (isFlushed || this.#parts.runtimes.get(row.isolation)?.holdsWrites !== true) {
        return {};
      }
      const isOver = this.#ends.has(place) || !(await lives(row));
      const { cause, detail }: StopReason = isOver
        ? await this.#explain(row)
        : { cause: 'runtime_failed', detail: 'the guest did not answer' };
      return { cause, detail: `${detail}, before the box had written back its files: what it wrote last may be lost` };
    } finally {
      this.#ended.delete(place);
      this.#ends.delete(place);
    }
  }

  #explain({ place, pid }: BoxRow): Promise<StopReason> {
    const end = this.#ends.get(place) ?? { pid: pid ?? 0, waitStatus: null };
    return explainEnd(this.#parts, place, end.pid, end.waitStatus);
  }

  /** @throws HostError `boxNotSuspended`, `imageUnavailable` */
  requireWakeable(row: BoxRow): void {
    const { paths, runtimes } = this.#parts;
    if (row.phase !== 'suspended') {
      throw new HostError('boxNotSuspended', `box ${row.id} is ${stateOf(row).phase}`);
    }
    runtimes.require(row.isolation);
    requireLayers(row.layers);
    if (!existsSync(join(paths.subvolume(row.place), 'upper'))) {
      throw new HostError('imageUnavailable', `the disk of box ${row.id} is gone`);
    }
  }

  /** Whether there is a guest to talk to; after a restart of the host it has to dial first. */
  async #isReachable(row: BoxRow): Promise<boolean> {
    if (!(await lives(row))) {
      return false;
    }
    const guest = this.#parts.guests.live(row.place);
    if (!guest.listening) {
      await guest.listen();
    }
    return true;
  }
}
