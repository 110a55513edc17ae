import { type BoxSpec, HostError, type Isolation } from '../contract/index.ts';
import type { BoxRow } from './box-row.ts';
import type { BoxStore } from './box-store.ts';
import type { HostParts } from './host-parts.ts';
import type { StopReason } from './stop-cause.ts';

/** The init of a box that runs, in whose network a sidecar can start. */
type NetworkOwner = Pick<BoxRow, 'ipv4'> & { readonly pid: number; readonly startTimeTicks: number };

/** The box whose network is to be shared. @throws HostError `boxNotRunning` */
export function requireNetwork(store: BoxStore, boxId: string): NetworkOwner {
  const { phase, pid, startTimeTicks, ipv4 } = store.require(boxId);
  if (phase !== 'running' || pid === undefined || startTimeTicks === undefined) {
    throw new HostError('boxNotRunning', `box ${boxId}, whose network is to be shared, does not run`);
  }
  return { pid, startTimeTicks, ipv4 };
}

/** Whether the box may start as it is wished: a sidecar needs a box that runs, and both share what only containers can. @throws HostError `boxNotRunning`, `networkUnshareable` */
export function requireShareable(
  { store }: Pick<HostParts, 'store'>,
  { networkOf }: Pick<BoxSpec, 'networkOf'>,
  isolation: Isolation,
): void {
  if (networkOf === undefined) {
    return;
  }
  const owner = store.require(networkOf);
  const unfit = [isolation, owner.isolation].find((grade) => grade !== 'container');
  if (unfit !== undefined || owner.networkOf !== undefined) {
    const why =
      unfit === undefined ? 'a sidecar has no sidecars' : `a box of the grade ${unfit} has a network of its own`;
    throw new HostError('networkUnshareable', `the network of box ${networkOf} cannot be shared: ${why}`);
  }
  requireNetwork(store, networkOf);
}

interface SidecarsParts {
  readonly store: BoxStore;
  readonly lifecycle: {
    suspend(boxId: string, options: { readonly memory: boolean }): Promise<unknown>;
    stop(place: string, reason: () => Promise<StopReason>): Promise<void>;
    destroy(boxId: string): Promise<void>;
  };
  /** Resolves when the box in this place is not being started any more. */
  readonly started: (place: string) => Promise<unknown>;
}

/** What becomes of the sidecars of a box, before the same becomes of the box itself. */
export class Sidecars {
  readonly #parts: SidecarsParts;

  constructor(parts: SidecarsParts) {
    this.#parts = parts;
  }

  /** One that cannot be put to sleep ends. */
  async suspendAll(boxId: string): Promise<void> {
    const { lifecycle, started } = this.#parts;
    await this.#each(boxId, async ({ id, place }) => {
      await started(place).catch(() => undefined);
      await lifecycle.suspend(id, { memory: false }).catch(() => undefined);
    });
    await this.stopAll(boxId);
  }

  async stopAll(boxId: string): Promise<void> {
    const detail = `box ${boxId}, whose network it shared, has ended`;
    await this.#each(boxId, ({ place }) =>
      this.#parts.lifecycle.stop(place, async () => ({ cause: 'runtime_failed', detail })),
    );
  }

  async destroyAll(boxId: string): Promise<void> {
    await this.#each(boxId, ({ id }) => this.#parts.lifecycle.destroy(id));
  }

  async #each(boxId: string, act: (sidecar: BoxRow) => Promise<void>): Promise<void> {
    await Promise.all(this.#parts.store.sidecarsOf(boxId).map(act));
  }
}
