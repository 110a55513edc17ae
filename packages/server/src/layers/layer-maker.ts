import { idPrefixes } from '@berth/contract';
import { type BoxImage, type Host, HostError } from '@berth/host/contract';
import type { Logger } from 'pino';
import { mountExecutionId } from '../reconciler/platform-executions.ts';
import type { LayerGround, LayerWish } from './layer-wish.ts';
import type { LayerStore } from './store.ts';

export interface LayerMakerParts {
  readonly host: Host;
  readonly store: LayerStore;
  readonly log: Logger;
}

/** Whether a box or snapshot of the host belongs to a layer. */
export const isLayerId = (id: string): boolean => id.startsWith(idPrefixes.layer);

/** Makes layers: a box of its own for each, in which the mount is placed, then a snapshot of that. Box and snapshot have the id of the layer. */
export class LayerMaker {
  readonly #parts: LayerMakerParts;

  constructor(parts: LayerMakerParts) {
    this.#parts = parts;
  }

  /** The row has been written. Whatever goes wrong, nothing of it stays. */
  async make(id: string, image: BoxImage, ground: LayerGround, wish: LayerWish, signal: AbortSignal): Promise<void> {
    const { host, store } = this.#parts;
    const { accountId, launchParameters, size, user } = ground;
    try {
      const hostname = id.replaceAll('_', '-');
      const state = await host.create({
        id,
        isolation: ground.isolation,
        image,
        size,
        user,
        hostname,
        environment: {},
      });
      if (state.phase !== 'running') {
        throw new HostError('internal', `the box of a layer is ${state.phase}: ${state.detail ?? ''}`);
      }
      const executionId = (step: number): string => mountExecutionId(0, step);
      const box = { id, accountId, launchParameters, isolation: state.isolation };
      await wish.make({ host, box, executionId, isLayered: false }, signal);
      signal.throwIfAborted();
      const { diskBytes } = await host.snapshot(id, id, { memory: false });
      await store.markReady(id, diskBytes);
    } catch (error) {
      await this.remove(id).catch((failure: unknown) => this.#warn(id, failure));
      throw error;
    }
    await this.endBox(id).catch((failure: unknown) => this.#warn(id, failure));
  }

  /** Takes the row away, then what the host has of it. Boxes that stand on it keep it. */
  async remove(id: string): Promise<void> {
    await this.#parts.store.remove(id);
    await this.endBox(id);
    await this.#parts.host.deleteSnapshot(id);
  }

  /** Ends the box that it was made in. */
  async endBox(id: string): Promise<void> {
    await this.#parts.host.destroy(id);
    await this.#parts.host.forget(id);
  }

  #warn(id: string, error: unknown): void {
    this.#parts.log.warn({ err: error, layerId: id }, 'what a layer was made with is removed later');
  }
}
