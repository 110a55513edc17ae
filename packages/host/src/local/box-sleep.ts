import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type BoxState, HostError } from '../contract/index.ts';
import { requireLayers } from './box-image.ts';
import type { BoxRemover } from './box-remover.ts';
import { type BoxRow, noProcesses, stateOf } from './box-row.ts';
import type { HostParts } from './host-parts.ts';
import { isAlive } from './process-table.ts';
import { recordRow } from './record-row.ts';
import { flush } from './still-box.ts';

/** How a box loses its processes and keeps its disk and its slot. */
export class BoxSleep {
  readonly #parts: HostParts;
  readonly #remover: BoxRemover;

  constructor(parts: HostParts, remover: BoxRemover) {
    this.#parts = parts;
    this.#remover = remover;
  }

  /** Takes a box that is `suspending`, or was `resuming` in an earlier life, to `suspended`. Repeatable from every half-done state. */
  async fallAsleep(place: string): Promise<BoxState> {
    const { store, guests, log } = this.#parts;
    const before = store.requireAt(place);
    const row = before.phase === 'suspending' ? before : recordRow(this.#parts, { ...before, phase: 'suspending' });
    // Of a box that was only being started nothing has run.
    if (before.phase === 'suspending' && (await this.#isReachable(row))) {
      await flush(this.#parts, row);
    }
    await this.#remover.killProcesses(row);
    await guests.live(place).boxEnded('the box was suspended');
    await this.#remover.removeRuntimeFiles(place);
    guests.retire(place);
    const end = { ...row, ...noProcesses, phase: 'suspended', stoppedMs: Date.now() } as const;
    const suspended = recordRow(this.#parts, end, { firmly: true });
    log.info({ boxId: row.id }, 'box suspended');
    return stateOf(suspended);
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
