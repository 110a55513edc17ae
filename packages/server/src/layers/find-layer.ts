import { HostError } from '@berth/host/contract';
import { boxSpec } from '../devboxes/box-spec.ts';
import type { Devbox } from '../devboxes/devbox.ts';
import { MountFailure } from '../mounts/mount-kind.ts';
import type { StepParts } from '../reconciler/parts.ts';
import { failsInBoxToo, type LayerFailure, UnmadeLayer, UnmountableError } from './layer-failure.ts';
import type { LayerWish } from './layer-wish.ts';
import { maximumLayers, unnamedImage } from './layer-wish.ts';
import { layeredMounts, mayStandOnLayers } from './layered-mounts.ts';

/** The box, on the layer that its row names now if there is one; keep it until the host has the box. */
export interface GroundedBox {
  readonly box: Devbox;
  readonly release: () => void;
  /** It has to fail for this: the box itself would show nothing else. */
  readonly failure?: LayerFailure;
}

interface Wanted {
  readonly index: number;
  /** For messages. */
  readonly what: string;
  readonly wish: LayerWish;
}

/**
 * Finds or makes the layer that has the agents and repositories of a box which the host was not asked for yet, and writes it into the box's row. What
 * cannot be made there, and may be made in the box, is left to the box.
 */
export const findLayer = async (parts: StepParts, box: Devbox, signal: AbortSignal): Promise<GroundedBox> => {
  const bare = { box, release: () => undefined };
  const isOpen = box.hostState === 'absent' && box.layer === null && box.image === null && box.mountsLeft > 0;
  if (!isOpen || parts.layers.isOff || !mayStandOnLayers(box.wish)) {
    return bare;
  }
  const held = await obtain(parts, box, signal);
  if (held === undefined || 'detail' in held) {
    return held === undefined ? bare : { ...bare, failure: held };
  }
  try {
    // Whoever does not learn whether it was written asks again: the row alone says what the box stands on.
    return { box: (await parts.store.setLayer(box.id, held.layer)) ?? box, release: held.release };
  } catch (error) {
    held.release();
    throw error;
  }
};

interface Held {
  readonly layer: NonNullable<Devbox['layer']>;
  readonly release: () => void;
}

/** The layer, for as long as it is held; undefined when the box has to do without. Throws `hostUnavailable`, and what the signal says. */
const obtain = async (parts: StepParts, box: Devbox, signal: AbortSignal): Promise<Held | LayerFailure | undefined> => {
  const wanted: Wanted[] = [];
  try {
    await collect(parts, box, wanted, signal);
    return wanted.length === 0 ? undefined : await hold(parts, box, wanted, signal);
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof HostError && error.code === 'hostUnavailable') {
      throw error;
    }
    if (error instanceof UnmadeLayer && failsInBoxToo(box, wanted, error)) {
      const { reason, message } = error.failure;
      return { reason, detail: `${wanted[error.position]?.what}: ${message}` };
    }
    if (error instanceof UnmountableError) {
      return error.failure;
    }
    parts.log.warn({ err: error, devboxId: box.id }, 'the mounts of a devbox are placed without a layer');
    return undefined;
  } finally {
    for (const { wish } of wanted) {
      wish.release();
    }
  }
};

const collect = async (parts: StepParts, box: Devbox, wanted: Wanted[], signal: AbortSignal): Promise<void> => {
  const planned = await parts.store.plannedMounts(box.id);
  for (const index of layeredMounts(planned).slice(0, maximumLayers)) {
    const mount = planned[index];
    const kind = mount && parts.mounts.require(mount.type);
    if (kind?.layer !== undefined) {
      const what = kind.describe(mount?.plan);
      const wish = await kind.layer(box.accountId, mount?.plan, signal).catch((error: unknown) => {
        throw error instanceof MountFailure && error.recurs ? new UnmountableError(what, error) : error;
      });
      if (wish !== undefined) {
        wanted.push({ index, what, wish });
      }
    }
  }
};

const hold = async (
  parts: StepParts,
  box: Devbox,
  wanted: readonly Wanted[],
  signal: AbortSignal,
): Promise<Held | undefined> => {
  const { image, isolation, size, user } = boxSpec(box, {}, parts.defaultIsolation);
  const imageName = box.imageBlueprintId ?? parts.defaultImage() ?? unnamedImage;
  const { accountId, launchParameters } = box;
  const ground = { accountId, launchParameters, imageName, image, isolation, size, user };
  const wishes = wanted.map(({ wish }) => wish);
  const held = await parts.layers.obtain(ground, wishes, signal);
  return held && { layer: { id: held.id, mounts: wanted.map(({ index }) => index) }, release: held.release };
};
