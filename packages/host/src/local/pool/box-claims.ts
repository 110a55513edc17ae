import type { BoxSpec } from '../../contract/index.ts';
import { writeCpuShare } from '../../runtimes/oci/cpu-limits.ts';
import type { BoxRow } from '../box-row.ts';
import type { BoxStarter } from '../box-starter.ts';
import { cgroupsPathOf, type HostParts } from '../host-parts.ts';
import { isAlive } from '../process-table.ts';

/** A pooled box that has not taken its identity by then is given up, and the create goes on without. */
const CLAIM_TIMEOUT_MS = 3_000;

/** Gives pooled boxes to those who asked for them. */
export class BoxClaims {
  readonly #parts: HostParts;
  readonly #starter: BoxStarter;
  readonly #open = new Map<string, AbortController>();

  constructor(parts: HostParts, starter: BoxStarter) {
    this.#parts = parts;
    this.#starter = starter;
  }

  /**
   * Gives a box, whose row says already whose it is, its identity: host name, environment, secrets, user, entropy, clock.
   * @returns false when it is of no use: it has ended, or its guest does not answer
   */
  async give(spec: BoxSpec, row: BoxRow, signal: AbortSignal): Promise<boolean> {
    const { place, pid, startTimeTicks } = row;
    const ended = new AbortController();
    this.#open.set(place, ended);
    try {
      if (pid === undefined || startTimeTicks === undefined || !(await isAlive(pid, startTimeTicks))) {
        return false;
      }
      const { cgroups, configuration } = this.#parts;
      writeCpuShare(cgroups, cgroupsPathOf(configuration, place), row.size);
      const limit = AbortSignal.any([signal, ended.signal, AbortSignal.timeout(CLAIM_TIMEOUT_MS)]);
      await Promise.all([this.#starter.configure(spec, row, limit), this.#nameHost(spec.hostname, row)]);
      return !ended.signal.aborted;
    } catch (error) {
      this.#parts.log.warn({ boxId: row.id, place, error: String(error) }, 'a pooled box could not be used');
      return false;
    } finally {
      this.#open.delete(place);
    }
  }

  /** The box in this place has ended. @returns whether it was being given away: who does that goes on without it then */
  ended(place: string): boolean {
    const claim = this.#open.get(place);
    claim?.abort(new Error('the box has ended'));
    return claim !== undefined;
  }

  /** What the guest itself may not do. */
  async #nameHost(hostname: string, { place, isolation, pid, startTimeTicks }: BoxRow): Promise<void> {
    const { helper, runtimes } = this.#parts;
    if (runtimes.get(isolation)?.namesHostOutside === true && pid !== undefined && startTimeTicks !== undefined) {
      await helper.call('boxHostname', { boxId: place, pid, startTimeTicks, hostname });
    }
  }
}
