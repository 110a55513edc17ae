import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { HostError } from '../contract/index.ts';
import { hostErrorOf } from '../helper/helper-error.ts';
import type { Heritage } from '../link/guest-box.ts';
import { readUsage } from '../runtimes/oci/cgroup-usage.ts';
import type { MemoryCommands, RuntimeStep } from '../runtimes/runtime.ts';
import type { BoxRow } from './box-row.ts';
import type { HostConfiguration } from './configuration.ts';
import { cgroupsPathOf, type HostParts } from './host-parts.ts';
import { openImage, removeImage } from './memory-image.ts';
import { lives } from './process-table.ts';
import { boundProcessor, unboundProcessor } from './processor-bounds.ts';

/** A checkpoint has to be written to the disk meanwhile. */
const BYTES_PER_MS = 20_000;
const FIRST_RETRY_MS = 50;
const LAST_RETRY_MS = 2_000;
/** A guest that has not dialled by then stands still. */
const DOUBT_MS = 6_000;
const GLANCE_MS = 10;
const MAX_CACHED_BYTES = 256 * 1024 * 1024;
const FIRST_ABORT_MS = 100;
const NEXT_ABORT_MS = 250;

/** How long a command may take that reads or writes the whole memory of a box. */
export const memoryTimeoutMs = (
  { runtimeTimeoutMs }: Pick<HostConfiguration, 'runtimeTimeoutMs'>,
  memoryBytes: number,
): number => runtimeTimeoutMs + Math.ceil(memoryBytes / BYTES_PER_MS);

/** Memory that a box starts with. */
export interface Waking {
  readonly directory: string;
  /** Set when it is that of another box. */
  readonly inherited?: { readonly heritage: Heritage; readonly reason: string };
}

/** The memory of boxes: held still, written out. */
export class BoxMemory {
  readonly #parts: HostParts;
  readonly #abandoned = new Set<string>();

  constructor(parts: HostParts) {
    this.#parts = parts;
  }

  /** Whether the boxes of this grade can be held still by their runtime, and their memory be kept. */
  serves({ isolation }: Pick<BoxRow, 'isolation'>): boolean {
    return this.#parts.runtimes.get(isolation)?.memory !== undefined && !this.#parts.memoryFaults.has(isolation);
  }

  /** Does what ends the box: commands of the runtime about it that are under way, or come while this waits for them, fail instead of being waited for. */
  async abandoning<Result>(place: string, end: () => Promise<Result>): Promise<Result> {
    this.#abandoned.add(place);
    const over = new AbortController();
    const ending = end().finally(() => {
      this.#abandoned.delete(place);
      over.abort();
    });
    void this.#abort(place, over.signal);
    return ending;
  }

  /** @throws HostError `memoryUnsupported` */
  require({ isolation }: Pick<BoxRow, 'isolation'>): MemoryCommands {
    const memory = this.#parts.runtimes.get(isolation)?.memory;
    const fault = this.#parts.memoryFaults.get(isolation);
    if (!memory || fault !== undefined) {
      const why = fault === undefined ? '' : `: ${fault}`;
      throw new HostError(
        'memoryUnsupported',
        `boxes of the grade ${isolation} cannot keep their memory on this host${why}`,
      );
    }
    return memory;
  }

  /**
   * Writes the memory of a box whose processes stand still into the directory. The caller seals it, and lets the box run on or ends it; when this fails it runs
   * on. @throws HostError
   */
  async hold(box: BoxRow, directory: string): Promise<void> {
    const commands = this.require(box);
    await removeImage(directory);
    await mkdir(directory, { recursive: true, mode: 0o700 });
    try {
      const timeoutMs = memoryTimeoutMs(this.#parts.configuration, box.size.memoryBytes);
      await unboundProcessor(this.#parts, box);
      const direct = !(await this.#hasRoom(box));
      await this.#run(box, commands.checkpoint(box.place, directory, this.#log(box), direct), timeoutMs);
    } catch (error) {
      await this.unpause(box);
      await removeImage(directory);
      throw memoryError(error, box);
    }
  }

  /**
   * Whether its image may go through the page cache, which is quicker: that counts as the box's memory, of which there may be none left, and much of it would push
   * out what others need.
   */
  async #hasRoom({ place, size }: BoxRow): Promise<boolean> {
    const { cgroups, configuration } = this.#parts;
    const { memoryUsedBytes } = await readUsage(cgroups, cgroupsPathOf(configuration, place));
    return memoryUsedBytes <= Math.min(size.memoryBytes / 2, MAX_CACHED_BYTES);
  }

  /** Does something while no process of the box runs. @throws HostError what `act` throws, or why the box does not stand still */
  async whileStill<Result>(
    box: BoxRow,
    act: () => Promise<Result>,
  ): Promise<{ readonly result: Result; readonly pausedMs: number }> {
    const begunMs = performance.now();
    await this.pause(box);
    let result: Result;
    try {
      result = await act();
    } finally {
      await this.unpause(box);
    }
    return { result, pausedMs: performance.now() - begunMs };
  }

  /** Makes the processes of the box stand still, with nothing on the guest link. They should have written their files. */
  async pause(box: BoxRow): Promise<void> {
    const commands = this.require(box);
    this.#parts.guests.live(box.place).hangUp();
    try {
      await this.#run(box, commands.pause(box.place, this.#log(box)));
    } catch (error) {
      // An earlier life of the host has paused it.
      if (!/in state paused/.test(String(error))) {
        await this.unpause(box);
        throw memoryError(error, box);
      }
    }
  }

  /** Lets the box run on, however often it has to be tried; not when its processes are gone. */
  async unpause(box: BoxRow): Promise<void> {
    const { helper, guests, log } = this.#parts;
    const commands = this.require(box);
    await Promise.all([guests.live(box.place).answer(), this.#bound(box)]);
    for (let delayMs = FIRST_RETRY_MS; !helper.closed; delayMs = Math.min(delayMs * 2, LAST_RETRY_MS)) {
      try {
        await this.#run(box, commands.unpause(box.place, this.#log(box)));
        return;
      } catch (error) {
        const message = String(error);
        if (/in state stopped|not exist|no such file|connection refused/i.test(message) || (await this.#isGone(box))) {
          return;
        }
        // A run that was killed may have done it, or undone it, without a note of it: the guest knows better.
        const standing = /in state running/.test(message) ? 'running' : 'paused';
        if (await this.#answers(box)) {
          await this.#believe(box, standing, 'running');
          return;
        }
        await this.#believe(box, standing, 'paused');
        log.error({ boxId: box.id, error: message }, 'a box could not be let run on; trying again');
        await delay(delayMs);
      }
    }
  }

  /** A box whose cgroups are gone is gone. */
  async #bound(box: BoxRow): Promise<void> {
    try {
      await boundProcessor(this.#parts, box);
    } catch (error) {
      this.#parts.log.warn({ boxId: box.id, error: String(error) }, 'a box could not be bounded');
    }
  }

  async #isGone(box: BoxRow): Promise<boolean> {
    const { store } = this.#parts;
    return this.#abandoned.has(box.place) || store.at(box.place)?.pid !== box.pid || !(await lives(box));
  }

  /** Whether a process of the box runs: its guest dials as soon as it does. */
  async #answers(box: BoxRow): Promise<boolean> {
    const { guests, helper } = this.#parts;
    const endMs = performance.now() + DOUBT_MS;
    while (!guests.live(box.place).connected) {
      if (performance.now() > endMs || helper.closed || (await this.#isGone(box))) {
        return false;
      }
      await delay(GLANCE_MS);
    }
    return true;
  }

  async #believe(box: BoxRow, noted: 'paused' | 'running', standing: 'paused' | 'running'): Promise<void> {
    if (noted !== standing && !(await this.#isGone(box))) {
      await this.require(box).believe(box.place, standing);
    }
  }

  async #run(
    { place }: BoxRow,
    step: RuntimeStep,
    timeoutMs = this.#parts.configuration.runtimeTimeoutMs,
  ): Promise<void> {
    if (this.#abandoned.has(place)) {
      throw new HostError('boxNotRunning', 'the box is being destroyed');
    }
    await this.#parts.helper.call('runtimeRun', { boxId: place, ...step, timeoutMs });
  }

  /** Again and again: one that waits for its turn is not under way yet. */
  async #abort(place: string, over: AbortSignal): Promise<void> {
    for (let delayMs = FIRST_ABORT_MS; ; delayMs = NEXT_ABORT_MS) {
      await delay(delayMs, undefined, { signal: over, ref: false }).catch(() => undefined);
      if (over.aborted) {
        return;
      }
      await this.#parts.helper.call('runtimeAbort', { boxId: place }).catch(() => undefined);
    }
  }

  #log({ place }: BoxRow): string {
    return join(this.#parts.paths.bundle(place), 'memory.log');
  }
}

/** What a box that starts with the memory of a snapshot comes with. @throws HostError `checkpointUnusable` */
export async function inheritMemory(
  { paths, snapshotStore }: Pick<HostParts, 'paths' | 'snapshotStore'>,
  snapshotId: string,
): Promise<Waking> {
  const directory = paths.snapshotMemory(snapshotId);
  const reason = `it was forked: it belongs to ${snapshotStore.get(snapshotId)?.boxId}`;
  return { directory, inherited: { heritage: await openImage(directory), reason } };
}

/** The runtime tells of a full disk by its text alone. */
function memoryError(error: unknown, { id }: BoxRow): HostError {
  const what = `the memory of box ${id} could not be kept`;
  return /no space left|quota exceeded/i.test(String(error))
    ? new HostError('noSpace', `${what}: the disk is full`, { cause: error })
    : hostErrorOf(error, what);
}
