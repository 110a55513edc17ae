import { existsSync } from 'node:fs';
import { boxLayers, storesOf } from '../builds/image-stacks.ts';
import { type BoxImage, type BoxSpec, HostError, type Layer } from '../contract/index.ts';
import type { HostParts } from './host-parts.ts';

/** What a box is put together from. */
export interface Image {
  /** Top layer first. */
  readonly layers: readonly Layer[];
  readonly environment: Readonly<Record<string, string>>;
}

/** Finds what a box is to start from. @throws HostError `imageUnavailable`, `memoryUnsupported` */
export function findImage(
  parts: Pick<HostParts, 'builds' | 'configuration' | 'paths' | 'snapshotStore'>,
  image: BoxImage,
): Image {
  const found = resolve(parts, image);
  requireLayers(found.layers);
  return found;
}

/** @throws HostError `imageUnavailable` when one is missing */
export function requireLayers(layers: readonly Layer[]): void {
  const missing = layers.find(({ path }) => !existsSync(path));
  if (missing) {
    throw new HostError('imageUnavailable', `layer ${missing.path} does not exist`);
  }
}

/** The default image's only layer; none when no image is configured. */
export const defaultLayers = (imageRootfs: string | undefined): readonly Layer[] =>
  imageRootfs === undefined ? [] : [{ path: imageRootfs, ownerBase: 0 }];

function resolve(
  {
    builds,
    configuration,
    paths,
    snapshotStore,
  }: Pick<HostParts, 'builds' | 'configuration' | 'paths' | 'snapshotStore'>,
  image: BoxImage,
): Image {
  if (image === 'default') {
    const { imageRootfs } = configuration;
    if (imageRootfs === undefined || !existsSync(imageRootfs)) {
      throw new HostError('imageUnavailable', `the default image is not there: ${imageRootfs ?? 'none is configured'}`);
    }
    return { layers: defaultLayers(imageRootfs), environment: {} };
  }
  if ('layers' in image) {
    return image;
  }
  if ('imageId' in image) {
    const built = builds.requireImage(image.imageId);
    builds.touch(storesOf(built));
    return {
      layers: boxLayers(paths, built, configuration.owners.buildBase ?? 0),
      environment: built.environment,
    };
  }
  const snapshot = snapshotStore.get(image.snapshotId);
  if (snapshot?.phase !== 'ready') {
    throw new HostError('imageUnavailable', `there is no snapshot ${image.snapshotId}`);
  }
  if (image.memory && snapshot.memoryBytes === 0) {
    throw new HostError('memoryUnsupported', `snapshot ${image.snapshotId} has no memory`);
  }
  const layer = { path: paths.snapshotLayer(snapshot.id), ownerBase: snapshot.ownerBase };
  return { layers: [layer, ...snapshot.layers], environment: snapshot.imageEnvironment };
}

/** Whether processes come along with it. */
export const hasMemory = (image: BoxImage): image is { readonly snapshotId: string; readonly memory: true } =>
  image !== 'default' && 'snapshotId' in image && image.memory;

/** The grade that a box may have: memory goes on only under the one that it was taken of. @throws HostError `memoryUnsupported` */
export function isolationWish(
  { snapshotStore }: Pick<HostParts, 'snapshotStore'>,
  { image, isolation }: BoxSpec,
): BoxSpec['isolation'] {
  if (!hasMemory(image)) {
    return isolation;
  }
  const needed = snapshotStore.get(image.snapshotId)?.isolation;
  if (needed !== undefined && isolation !== 'auto' && isolation !== needed) {
    throw new HostError('memoryUnsupported', `the memory of snapshot ${image.snapshotId} needs the grade ${needed}`);
  }
  return needed ?? isolation;
}
