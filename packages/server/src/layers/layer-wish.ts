import type { LaunchParameters } from '@berth/contract';
import type { BoxImage, BoxSpec } from '@berth/host/contract';
import type { MountPlace } from '../mounts/mount-place.ts';

/** The part of a mount that may be made once for many boxes. */
export interface LayerWish {
  /** All that it depends on beside the ground: plain JSON. Whoever has it may have the layer, so an account stands in it where not everybody may. */
  readonly key: unknown;
  /** One that is older is made anew. */
  readonly maximumAgeMs: number;
  /** Places it in a box that has nothing of anybody's: no variables, no secrets. */
  readonly make: (place: MountPlace, signal: AbortSignal) => Promise<void>;
  /** Nothing more of the mount is run in the box. */
  readonly isWhole: boolean;
  /** It is needed no longer. */
  readonly release: () => void;
}

/** What layers are made upon, and for which kind of box. */
export interface LayerGround {
  readonly accountId: string;
  readonly launchParameters: LaunchParameters;
  /** Tells images apart: the same name never means another content. */
  readonly imageName: string;
  readonly image: BoxImage;
  readonly isolation: BoxSpec['isolation'];
  readonly size: BoxSpec['size'];
  readonly user: BoxSpec['user'];
}

/** Name of the default image of a host that tells none. */
export const unnamedImage = 'default';

/** Most layers of mounts in one box; further mounts are placed in the box itself. */
export const maximumLayers = 4;
