import { sizeOf } from '@berth/contract';
import type { BoxImage, BoxSpec, BoxUser } from '@berth/host/contract';
import type { Devbox } from './devbox.ts';

const gibibyte = 1024 ** 3;
/** Processes and threads per core: enough for builds and hundreds of shells, too few for a fork bomb to matter. */
const processesPerCpu = 4_096;

/** Account of boxes that name none (API §3.6). */
const defaultUser = { username: 'user', uid: 1_000 };

/** What the host is told of a box comes out of these. */
export type SpecSource = Pick<Devbox, 'id' | 'launchParameters' | 'wish' | 'image' | 'imageBlueprintId'> &
  Partial<Pick<Devbox, 'layer'>>;

/** The account that commands of the box run as. */
export const boxUser = (box: Pick<Devbox, 'launchParameters'>): BoxUser => {
  const { username, uid } = box.launchParameters.user_parameters ?? defaultUser;
  return { name: username, uid, gid: uid, home: uid === 0 ? '/root' : `/home/${username}` };
};

const imageOf = ({ image, imageBlueprintId, layer }: SpecSource): BoxImage => {
  if (image !== null) {
    return { snapshotId: image.id, memory: image.memory };
  }
  if (layer != null) {
    return { snapshotId: layer.id, memory: false };
  }
  return imageBlueprintId === null ? 'default' : { imageId: imageBlueprintId };
};

/** What the host is asked to make. `secrets` holds values by variable name. */
export const boxSpec = (
  box: SpecSource,
  secrets: Readonly<Record<string, string>>,
  defaultIsolation: BoxSpec['isolation'],
): BoxSpec => {
  const size = sizeOf(box.launchParameters);
  return {
    id: box.id,
    isolation: box.launchParameters.isolation ?? box.wish.isolation ?? defaultIsolation,
    image: imageOf(box),
    size: {
      cpus: size.cpus,
      memoryBytes: size.memoryGib * gibibyte,
      diskBytes: size.diskGib * gibibyte,
      processes: Math.ceil(Math.max(1, size.cpus) * processesPerCpu),
    },
    user: boxUser(box),
    // Underscores are not allowed in host names.
    hostname: box.id.replaceAll('_', '-'),
    environment: { ...box.wish.environment, ...secrets },
  };
};
