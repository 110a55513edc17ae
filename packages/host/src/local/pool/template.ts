import type { BoxSize, BoxSpec, BoxUser, Isolation } from '../../contract/index.ts';
import type { Image } from '../box-image.ts';

/** All of a box that cannot be changed once it runs. What is left to give it is its identity. */
export interface Template {
  /** Equal for equal templates. */
  readonly key: string;
  readonly isolation: Isolation;
  readonly image: Image;
  readonly size: BoxSize;
  readonly user: BoxUser;
}

export function templateOf(
  { size, user }: Pick<BoxSpec, 'size' | 'user'>,
  isolation: Isolation,
  image: Image,
): Template {
  const key = JSON.stringify([
    isolation,
    image.layers.map(({ path, ownerBase }) => [path, ownerBase]),
    Object.entries(image.environment).toSorted(),
    [size.cpus, size.memoryBytes, size.diskBytes, size.processes],
    [user.name, user.uid, user.gid, user.home],
  ]);
  return { key, isolation, image, size, user };
}
