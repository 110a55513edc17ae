import type { DevboxView, PresentUse } from '@berth/contract';
import { formatBytes, formatDuration } from '../output/quantities.ts';
import { bold, dim } from '../output/style.ts';
import { endReason, launchParameter, sizeText, statusText } from './view.ts';

/** All there is to say of one box, a line each. @param use what it takes now, where that is known */
export const devboxText = (devbox: DevboxView, use: PresentUse | null = null): string => {
  const lines: ReadonlyArray<readonly [string, string]> = [
    ['status', `${statusText(devbox.status)} ${endReason(devbox)}`.trimEnd()],
    ['size', sizeText(devbox)],
    ['uses', use === null ? '' : useText(use)],
    ['isolation', launchParameter(devbox, 'isolation')],
    ['snapshot', devbox.snapshot_id ?? ''],
    ['forked', forkedFrom(devbox)],
    ['blueprint', devbox.blueprint_id ?? ''],
    ['life', lifeText(devbox.launch_parameters)],
    ['created', new Date(devbox.create_time_ms).toISOString()],
    ['ended', devbox.end_time_ms === null ? '' : new Date(devbox.end_time_ms).toISOString()],
    ...Object.entries(devbox.metadata).map(([key, value]) => ['metadata', `${key}=${value}`] as const),
    ...devbox.state_transitions.map(
      (transition, index) => [index === 0 ? 'history' : '', transitionText(transition)] as const,
    ),
  ];
  const shown = lines.flatMap(([label, text]) => (text === '' ? [] : [`${label.padEnd(labelWidth)}${text}`]));
  return [`${bold(devbox.id)} ${devbox.name ?? ''}`.trimEnd(), ...shown].join('\n');
};

const labelWidth = 11;

const useText = (use: PresentUse): string =>
  [
    `${formatBytes(use.memory_used_bytes)} of ${formatBytes(use.memory_limit_bytes)} memory`,
    `${formatBytes(use.disk_used_bytes)} of ${formatBytes(use.disk_limit_bytes)} disk`,
    `${use.processes} ${use.processes === 1 ? 'process' : 'processes'}`,
  ].join(', ');

const transitionText = ({ transition_time_ms, status, detail }: DevboxView['state_transitions'][number]): string =>
  `${new Date(transition_time_ms).toISOString()} ${status}${detail === undefined ? '' : dim(` ${detail}`)}`;

/** `from dbx_…`, when the box is a copy of another one, and how long that stood still for it. */
const forkedFrom = ({ forked_from, source_pause_ms }: DevboxView): string =>
  forked_from === undefined
    ? ''
    : `from ${forked_from}${source_pause_ms === undefined ? '' : `, which stood still for ${formatDuration(source_pause_ms)}`}`;

/** What ends or parks the box by itself. */
export const lifeText = (parameters: DevboxView['launch_parameters']): string => {
  const { lifecycle, after_idle, keep_alive_time_seconds } = parameters as LifeParameters;
  const idle = lifecycle?.after_idle ?? after_idle;
  const memory = lifecycle?.suspend_memory ? ' with its processes' : '';
  if (idle !== undefined) {
    const act = idle.on_idle === 'suspend' ? `suspended${memory}` : 'shut down';
    return `${act} when idle for ${formatDuration(idle.idle_time_seconds * 1_000)}`;
  }
  return keep_alive_time_seconds === undefined
    ? ''
    : `shut down after ${formatDuration(keep_alive_time_seconds * 1_000)}`;
};

interface LifeParameters {
  readonly lifecycle?: { readonly after_idle?: AfterIdle; readonly suspend_memory?: boolean };
  readonly after_idle?: AfterIdle;
  readonly keep_alive_time_seconds?: number;
}

interface AfterIdle {
  readonly idle_time_seconds: number;
  readonly on_idle: 'shutdown' | 'suspend';
}
