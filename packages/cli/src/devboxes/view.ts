import { type DevboxStatus, type DevboxView, devboxStatuses, type LaunchParameters, sizeOf } from '@berth/contract';
import { formatDuration } from '../output/quantities.ts';
import { dim, green, red, yellow } from '../output/style.ts';
import { table } from '../output/table.ts';

const endedStatuses: ReadonlySet<DevboxStatus> = new Set(['failure', 'shutdown']);

/** Statuses of boxes that live; the deprecated `scheduled` is never shown. */
export const livingStatuses: readonly DevboxStatus[] = devboxStatuses.filter(
  (status) => !endedStatuses.has(status) && status !== 'scheduled',
);

export const hasEnded = ({ status }: Pick<DevboxView, 'status'>): boolean => endedStatuses.has(status);

const colours: Partial<Record<DevboxStatus, (text: string) => string>> = {
  running: green,
  suspended: dim,
  failure: red,
  shutdown: String,
};

/** A status in its colour. */
export const statusText = (status: DevboxStatus): string => (colours[status] ?? yellow)(status);

/** Why a box is as it is, for people: the reason of its end, or what the last change of its status says. */
export const endReason = (devbox: DevboxView): string => {
  const detail = devbox.state_transitions.at(-1)?.detail;
  return [devbox.failure_reason ?? devbox.shutdown_reason ?? '', detail ?? ''].filter(Boolean).join(': ');
};

/** A launch parameter as text; empty when the box has none. */
export const launchParameter = (devbox: DevboxView, name: string): string => {
  const value = devbox.launch_parameters[name];
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
};

/** `SMALL: 1 CPU, 2 GiB memory, 4 GiB disk` */
export const sizeText = (devbox: DevboxView): string => {
  const { cpus, memoryGib, diskGib } = sizeOf(devbox.launch_parameters as LaunchParameters);
  return `${launchParameter(devbox, 'resource_size_request')}: ${cpus} CPU, ${memoryGib} GiB memory, ${diskGib} GiB disk`;
};

/** How long a box has been in its present status, in milliseconds. */
const sinceMs = (devbox: DevboxView): number =>
  Date.now() - (devbox.state_transitions.at(-1)?.transition_time_ms ?? devbox.create_time_ms);

/** `suspended 3 min 05 s`: statuses that last, with how long they have lasted. */
const statusCell = (devbox: DevboxView): string =>
  devbox.status === 'suspended' || devbox.status === 'queued'
    ? `${statusText(devbox.status)} ${formatDuration(sinceMs(devbox))}`
    : statusText(devbox.status);

export const devboxTable = (devboxes: readonly DevboxView[]): string =>
  table(
    ['ID', 'NAME', 'STATUS', 'ISOLATION', 'SIZE', 'AGE', ''],
    devboxes.map((devbox) => [
      devbox.id,
      devbox.name ?? '',
      statusCell(devbox),
      launchParameter(devbox, 'isolation'),
      launchParameter(devbox, 'resource_size_request'),
      formatDuration(Date.now() - devbox.create_time_ms),
      endReason(devbox),
    ]),
  );
