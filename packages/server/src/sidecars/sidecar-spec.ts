import { sizeOf } from '@berth/contract';
import type { BoxSpec, ExecutionSpec } from '@berth/host/contract';
import type { Devbox } from '../devboxes/devbox.ts';
import { type PlannedService, serviceSize, sidecarId } from './plan.ts';

const quoted = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;

/** The sidecar of the `index`-th service of a box. */
export const sidecarSpec = (box: Devbox, service: PlannedService, index: number): BoxSpec => ({
  id: sidecarId(box.id, index),
  isolation: 'container',
  image: { imageId: service.imageId },
  size: { cpus: sizeOf(box.launchParameters).cpus, ...serviceSize },
  user: { name: 'root', uid: 0, gid: 0, home: '/root' },
  hostname:
    service.name
      .replaceAll(/[^A-Za-z0-9-]/g, '-')
      .replaceAll(/^-+|-+$/g, '')
      .slice(0, 60) || 'service',
  environment: service.environment,
  networkOf: box.id,
});

/** Whether an execution in a sidecar is its service, in whichever start. */
export const isServiceExecution = (executionId: string): boolean => /^service-\d+$/.test(executionId);

/** Its main process: the image's, in the directory and as the user that the image or the options name. */
export const serviceExecution = (box: Pick<Devbox, 'restarts'>, service: PlannedService): ExecutionSpec => ({
  executionId: `service-${box.restarts}`,
  origin: 'entrypoint',
  command: `cd ${quoted(service.workdir)} && exec ${service.command.map(quoted).join(' ')}`,
  ...(service.user === 'root' || service.user === '0' ? {} : { user: service.user }),
});
