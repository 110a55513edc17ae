import { HostError, type Layer } from '../contract/index.ts';
import type { BoxRow } from './box-row.ts';
import type { StatePaths } from './state-paths.ts';

/** More than these one overlay does not take, with room for those of a box that starts from the last. */
export const MAX_LAYERS = 128;

/** What becomes of the layers of a box when its disk is kept, top layer first. */
export interface SnapshotStack {
  /** Of earlier snapshots; they are merged into the new one. */
  readonly merged: readonly Layer[];
  /** The new one lies on these. */
  readonly below: readonly Layer[];
}

/** A stack that has grown too high for one more is cut down to its image. @throws HostError `tooLarge` when that is as high */
export function snapshotStack(
  { maxLayers = MAX_LAYERS, paths }: { readonly maxLayers: number | undefined; readonly paths: StatePaths },
  { id, layers }: Pick<BoxRow, 'id' | 'layers'>,
): SnapshotStack {
  if (layers.length < maxLayers) {
    return { merged: [], below: layers };
  }
  const own = layers.findIndex(({ path }) => paths.snapshotOf(path) === undefined);
  const merged = own === -1 ? layers : layers.slice(0, own);
  const below = layers.slice(merged.length);
  if (below.length >= maxLayers) {
    throw new HostError('tooLarge', `box ${id} stands on an image of ${below.length} layers`);
  }
  return { merged, below };
}
