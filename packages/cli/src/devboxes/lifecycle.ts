import type { DevboxStatus, DevboxView, UsageView } from '@berth/contract';
import { type ApiClient, ApiFailure } from '../http/client.ts';
import { CommandFailure } from '../output/failure.ts';
import { endReason } from './view.ts';

/** Longest hold of one wait; the API allows 30. */
const waitSeconds = 25;

/** Body of a create call, as far as the command line makes one. */
export interface DevboxWish {
  readonly name?: string;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly environment_variables?: Readonly<Record<string, string>>;
  readonly secrets?: Readonly<Record<string, string>>;
  readonly entrypoint?: string;
  readonly snapshot_id?: string;
  readonly blueprint_id?: string;
  readonly blueprint_name?: string;
  readonly mounts?: ReadonlyArray<Readonly<Record<string, string>>>;
  readonly launch_parameters?: Readonly<Record<string, unknown>>;
}

export const createDevbox = (client: ApiClient, wish: DevboxWish, signal?: AbortSignal): Promise<DevboxView> =>
  client.json('POST', '/v1/devboxes', { body: wish, signal });

export const getDevbox = (client: ApiClient, id: string): Promise<DevboxView> =>
  client.json('GET', `/v1/devboxes/${encodeURIComponent(id)}`);

export const getUsage = (client: ApiClient, id: string): Promise<UsageView> =>
  client.json('GET', `/v1/devboxes/${encodeURIComponent(id)}/usage`);

export const shutDownDevbox = (client: ApiClient, id: string): Promise<DevboxView> =>
  client.json('POST', `/v1/devboxes/${encodeURIComponent(id)}/shutdown`, { query: { force: true } });

/**
 * Waits, however long it takes, until a box has one of these statuses.
 * @param slice called with the present view whenever one wait went by without; may throw to end it
 */
export const untilStatus = async (
  client: ApiClient,
  id: string,
  statuses: readonly DevboxStatus[],
  options: {
    readonly signal?: AbortSignal | undefined;
    readonly sliceSeconds?: number;
    readonly slice?: (devbox: DevboxView) => void;
  } = {},
): Promise<DevboxView> => {
  for (;;) {
    try {
      return await client.json<DevboxView>('POST', `/v1/devboxes/${encodeURIComponent(id)}/wait_for_status`, {
        body: { statuses, timeout_seconds: options.sliceSeconds ?? waitSeconds },
        signal: options.signal,
      });
    } catch (error) {
      if (!(error instanceof ApiFailure && error.status === 408)) {
        throw error;
      }
    }
    if (options.slice !== undefined) {
      options.slice(await getDevbox(client, id));
    }
  }
};

/**
 * Waits until a box runs.
 * @throws CommandFailure with the cause when it ends before
 */
export const untilRunning = async (client: ApiClient, id: string, signal?: AbortSignal): Promise<DevboxView> => {
  const devbox = await untilStatus(client, id, ['running', 'failure', 'shutdown'], { signal });
  if (devbox.status !== 'running') {
    throw new CommandFailure(`${id} did not start: ${endReason(devbox) || devbox.status}`);
  }
  return devbox;
};
