import type { DevboxView } from '@berth/contract';
import { formatDuration } from '../output/quantities.ts';
import { green, red, yellow } from '../output/style.ts';
import { table } from '../output/table.ts';

/** A status in its colour. */
export const statusText = (status: DevboxView['status']): string =>
  (status === 'running' ? green : status === 'failure' ? red : status === 'shutdown' ? String : yellow)(status);

/** Why a box ended, for people; empty while it lives. */
export const endReason = (devbox: DevboxView): string => {
  const detail = devbox.state_transitions.at(-1)?.detail;
  return [devbox.failure_reason ?? devbox.shutdown_reason ?? '', detail ?? ''].filter(Boolean).join(': ');
};

export const devboxTable = (devboxes: readonly DevboxView[]): string =>
  table(
    ['ID', 'NAME', 'STATUS', 'AGE', ''],
    devboxes.map((devbox) => [
      devbox.id,
      devbox.name ?? '',
      statusText(devbox.status),
      formatDuration(Date.now() - devbox.create_time_ms),
      endReason(devbox),
    ]),
  );
