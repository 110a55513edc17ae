import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type BoxState, HostError } from '../contract/index.ts';
import { hostErrorOf } from '../helper/helper-error.ts';
import { requireLayers } from './box-image.ts';
import type { BoxMemory } from './box-memory.ts';
import type { BoxRemover } from './box-remover.ts';
import { type BoxRow, noProcesses, stateOf } from './box-row.ts';
import type { HostParts } from './host-parts.ts';
import { removeImage, sealImage } from './memory-image.ts';
import { isAlive } from './process-table.ts';
import { recordRow } from './record-row.ts';
import { flush } from './still-box.ts';

/** How a box loses its processes and keeps its disk and its slot. */
export class BoxSleep {
  readonly #parts: HostParts;
  readonly #remover: BoxRemover;
  readonly #memory: BoxMemory;
  /** Of boxes that are falling asleep: aborted when their processes end by themselves. */
  readonly #ended = new Map<string, AbortController>();

  constructor(parts: HostParts, remover: BoxRemover, memory: BoxMemory) {
    this.#parts = parts;
    this.#remover = remover;
    this.#memory = memory;
  }

  /**
   * Takes a running box, or one whose memory an earlier life of the host was about to keep, to `suspended` with its memory.
   * @throws HostError when that could not be kept: the box runs on, or its processes are gone
   */
  async fallAsleepWithMemory(place: string): Promise<BoxState> {
    const { store, guests, helper, paths } = this.#parts;
    const row = store.requireAt(place);
    this.#memory.require(row);
    recordRow(this.#parts, { ...row, phase: 'suspending', memory: 'keeping' });
    try {
      // No flush: the runtime writes the box's files back before its memory, and the image is sealed with the whole file system.
      await this.#memory.pause(row);
      await this.#memory.hold(row, paths.boxMemory(place));
      try {
        await sealImage(helper, paths.boxMemory(place), guests.live(place).heritage());
      } catch (error) {
        await this.#memory.unpause(row);
        throw hostErrorOf(error, `the memory of box ${row.id} could not be kept`);
      }
    } catch (error) {
      await this.dropMemory(place);
      recordRow(this.#parts, { ...store.requireAt(place), phase: 'running', memory: undefined });
      throw error;
    }
    recordRow(this.#parts, { ...store.requireAt(place), memory: 'kept' }, { firmly: true });
    return this.fallAsleep(place);
  }

  /** Takes a box that is `suspending`, or was `resuming` in an earlier life, to `suspended`. Repeatable from every half-done state. */
  async fallAsleep(place: string): Promise<BoxState> {
    const { store, log } = this.#parts;
    const before = store.requireAt(place);
    const row = before.phase === 'suspending' ? before : recordRow(this.#parts, { ...before, phase: 'suspending' });
    // Of a box that was only being started nothing has run.
    if (before.phase === 'suspending' && row.memory !== 'kept') {
      await this.#flush(row);
    }
    await this.#remover.killProcesses(row);
    const memory = await this.settle(row, 'the box was suspended');
    await this.#remover.removeRuntimeFiles(place);
    const end = { ...row, ...noProcesses, phase: 'suspended', memory, stoppedMs: Date.now() } as const;
    const suspended = recordRow(this.#parts, end, { firmly: true });
    log.info({ boxId: row.id, memory: memory !== undefined }, 'box suspended');
    return stateOf(suspended);
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

  /** Removes what is kept for going on, if anything is. */
  async dropMemory(place: string): Promise<void> {
    const { helper, paths } = this.#parts;
    await removeImage(paths.boxMemory(place));
    await helper.call('subvolumeDelete', { path: paths.sleepingDisk(place) });
  }

  /** The processes of the box have ended: nobody has to wait for them. */
  processesEnded(place: string): void {
    this.#ended.get(place)?.abort();
  }

  async #flush(row: BoxRow): Promise<void> {
    const ended = new AbortController();
    this.#ended.set(row.place, ended);
    try {
      if (await this.#isReachable(row)) {
        await flush(this.#parts, row, ended.signal);
      }
    } finally {
      this.#ended.delete(row.place);
    }
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
  async #isReachable({ place, pid, startTimeTicks }: BoxRow): Promise<boolean> {
    if (pid === undefined || startTimeTicks === undefined || !(await isAlive(pid, startTimeTicks))) {
      return false;
    }
    const guest = this.#parts.guests.live(place);
    if (!guest.listening) {
      await guest.listen();
    }
    return true;
  }
}
