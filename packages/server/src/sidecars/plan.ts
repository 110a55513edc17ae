import type { ImageState } from '@berth/host/contract';
import type { ServiceOptions } from './options.ts';

/** A service as the box keeps it that asked for it: whatever becomes of its blueprint, it is started anew like this. */
export interface PlannedService {
  readonly name: string;
  readonly imageId: string;
  /** Of the image, or as the options say. */
  readonly command: readonly string[];
  readonly workdir: string;
  readonly user: string;
  readonly environment: Readonly<Record<string, string>>;
  /** It is ready when it listens on all of these. */
  readonly ports: readonly number[];
  readonly healthCommand?: string;
}

const gibibyte = 1024 ** 3;

/** What one service may take, beside what its box may; it counts as its account's and the machine's like the box's own. */
export const serviceSize = { memoryBytes: gibibyte, diskBytes: 4 * gibibyte, processes: 2_048 } as const;

/** Name of the sidecar in which the `index`-th service of a box runs. */
export const sidecarId = (devboxId: string, index: number): string => `${devboxId}-s${index}`;

/** Name of the image, and build, of the `index`-th service of a blueprint. */
export const serviceImageId = (blueprintId: string, index: number): string => `${blueprintId}-s${index}`;

/** The blueprint or devbox that an id of the host belongs to. */
export const ownerIdOf = (id: string): string => id.replace(/-s\d+$/, '');

/** Puts image and options together. */
export const plannedService = (
  service: { readonly name: string; readonly env?: Readonly<Record<string, string>> | undefined },
  image: Pick<ImageState, 'id' | 'command' | 'workdir' | 'user'>,
  ports: readonly number[],
  options: ServiceOptions,
): PlannedService => ({
  name: service.name,
  imageId: image.id,
  command: options.entrypoint === undefined ? image.command : [options.entrypoint],
  workdir: options.workdir ?? image.workdir,
  user: (options.user ?? image.user).split(':')[0] || 'root',
  environment: { ...options.environment, ...service.env },
  ports,
  ...(options.healthCommand === undefined ? {} : { healthCommand: options.healthCommand }),
});
