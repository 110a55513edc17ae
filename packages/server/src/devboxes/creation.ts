import {
  type AccountSettings,
  type DevboxCreate,
  defaultKeepAliveSeconds,
  idleRule,
  type LaunchParameters,
  newId,
} from '@berth/contract';
import { apiError } from '../errors/api-error.ts';
import type { PlannedMount } from '../mounts/mount-kind.ts';
import type { PlannedService } from '../sidecars/plan.ts';
import type { NewDevbox } from './insert.ts';
import { startBoundMs } from './start-bound.ts';

/** Lifetime of a running box in milliseconds; null when an idle rule takes its place (API §3.6). */
export const lifetimeMs = (parameters: LaunchParameters): number | null =>
  idleRule(parameters) === undefined
    ? Math.ceil((parameters.keep_alive_time_seconds ?? defaultKeepAliveSeconds) * 1000)
    : null;

/** The row that a checked request asks for; with what was looked up for it. */
export const newDevbox = (
  accountId: string,
  wish: DevboxCreate,
  settings: AccountSettings,
  {
    mounts = [],
    services = [],
    blueprintId = null,
  }: {
    readonly mounts?: readonly PlannedMount[];
    readonly services?: readonly PlannedService[];
    readonly blueprintId?: string | null | undefined;
  } = {},
): NewDevbox => {
  const launchParameters = wish.launch_parameters ?? {};
  const idle = idleRule(launchParameters);
  const both = Object.keys(wish.secrets ?? {}).find((name) => name in (wish.environment_variables ?? {}));
  if (both !== undefined) {
    throw apiError('invalidRequest', { problem: `${both} is given both as environment variable and as secret` });
  }
  return {
    id: newId('devbox'),
    accountId,
    name: wish.name === undefined || wish.name === '' ? null : wish.name,
    metadata: wish.metadata ?? {},
    launchParameters,
    wish: {
      ...(wish.entrypoint === undefined || wish.entrypoint === '' ? {} : { entrypoint: wish.entrypoint }),
      environment: wish.environment_variables ?? {},
      secretNames: wish.secrets ?? {},
      ...(services.length === 0 ? {} : { services }),
      ...(settings.isolation === 'default' ? {} : { isolation: settings.isolation }),
    },
    mounts,
    idleMs: idle === undefined ? null : Math.ceil(idle.idle_time_seconds * 1000),
    expiresInMs: startBoundMs,
    blueprintId,
    imageBlueprintId: blueprintId,
    snapshotId: wish.snapshot_id ?? null,
    image: wish.snapshot_id === undefined ? null : { id: wish.snapshot_id, memory: false },
    forkedFrom: null,
  };
};
