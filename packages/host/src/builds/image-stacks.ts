import type { Layer } from '../contract/index.ts';
import { MAX_LAYERS } from '../local/layer-limits.ts';
import type { StatePaths } from '../local/state-paths.ts';
import type { ImageRow, LayerPlace, StoredLayer, StoreRow } from './build-rows.ts';

/** Room for the layer of a box, and for snapshots of it. */
const LAYERS_OF_BOXES = 16;

/** What is found in several stores: the first that has it. */
export interface Stack {
  /** Top layer first. */
  readonly layers: readonly LayerPlace[];
  readonly bytes: number;
  /** Where the image's name is known. */
  readonly contentStore: string;
}

/**
 * The layers of an image, through the stores that its build could see. Whatever a store says of layers that are not its own does not count.
 * @throws Error when one is missing, or when there are more than a box can stand on
 */
export function stackOf(contentId: string, stores: ReadonlyArray<Pick<StoreRow, 'id' | 'layers' | 'images'>>): Stack {
  const content = stores.find((store) => Object.hasOwn(store.images, contentId));
  if (content === undefined) {
    throw new Error(`no store has the image ${contentId}`);
  }
  const known = new Map<string, StoredLayer & { readonly store: string }>();
  for (const store of stores.toReversed()) {
    for (const layer of store.layers) {
      known.set(layer.id, { ...layer, store: store.id });
    }
  }
  const layers: LayerPlace[] = [];
  let bytes = 0;
  for (let next = content.images[contentId] ?? ''; next !== ''; ) {
    const layer = known.get(next);
    if (layer === undefined) {
      throw new Error(`no store has the layer ${next}`);
    }
    if (layers.length >= MAX_LAYERS - LAYERS_OF_BOXES) {
      throw new Error(`the image has more than ${MAX_LAYERS - LAYERS_OF_BOXES} layers: join some of its steps`);
    }
    layers.push({ store: layer.store, layer: layer.id });
    bytes += layer.bytes;
    next = layer.parent;
  }
  return { layers, bytes, contentStore: content.id };
}

/** The stack as boxes take it. */
export const boxLayers = (
  paths: Pick<StatePaths, 'imageLayer'>,
  image: Pick<ImageRow, 'layers'>,
  ownerBase: number,
): Layer[] => image.layers.map(({ store, layer }) => ({ path: paths.imageLayer(store, layer), ownerBase }));

/** Every store that an image needs, as a layer or for its name. */
export const storesOf = (image: Pick<ImageRow, 'layers' | 'contentStore'>): string[] => [
  ...new Set([image.contentStore, ...image.layers.map(({ store }) => store)]),
];
