import type { PlannedMount } from '../mounts/mount-kind.ts';

/** Agents change less often than repositories: they come below. */
const order: readonly PlannedMount['type'][] = ['agent_mount', 'code_mount'];

/** Variables that could change what is installed or checked out: a box that has one makes its mounts itself. */
const telling = /^(npm_|node_|pip_|python|uv_|git_|ssl_|ld_|bash_|curl_|requests_)|_proxy$|^(path|home|env|ifs)$/i;

/** Indexes of mounts that may come out of layers, in the order in which they lie upon each other. */
export const layeredMounts = (mounts: readonly Pick<PlannedMount, 'type'>[]): number[] =>
  order.flatMap((type) => mounts.flatMap((mount, index) => (mount.type === type ? [index] : [])));

/** Whether a box of these variables may stand on layers that were made without them. */
export const mayStandOnLayers = (wish: {
  readonly environment: Readonly<Record<string, string>>;
  readonly secretNames: Readonly<Record<string, string>>;
}): boolean => ![...Object.keys(wish.environment), ...Object.keys(wish.secretNames)].some((name) => telling.test(name));

/** Whether it is known from the beginning what the host starts the box from: no snapshot that its row has to keep, and no layer that is still to be found. */
export const standsOnItsImage = (box: {
  readonly image: unknown;
  readonly mounts: readonly Pick<PlannedMount, 'type'>[];
}): boolean => box.image === null && layeredMounts(box.mounts).length === 0;
