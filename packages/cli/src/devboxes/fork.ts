import type { DevboxView } from '@berth/contract';
import type { ApiClient } from '../http/client.ts';
import { formatDuration } from '../output/quantities.ts';

/** Body of a fork call. */
export interface ForkWish {
  readonly count: number;
  /** Whether the copies go on with the processes of the source; what the source's grade can do when left out. */
  readonly memory?: boolean;
  readonly name?: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

/** Makes copies of a box that goes on itself; answers with their views before they run. */
export const forkDevbox = async (
  client: ApiClient,
  id: string,
  wish: ForkWish,
  signal?: AbortSignal,
): Promise<DevboxView[]> => {
  const answer = await client.json<{ readonly devboxes: DevboxView[] }>(
    'POST',
    `/v1/devboxes/${encodeURIComponent(id)}/fork`,
    { body: wish, signal },
  );
  return answer.devboxes;
};

/** `all 3 run after 1.2 s; the source stood still for 84 ms`. */
export const forkedText = (forks: readonly DevboxView[], tookMs: number): string => {
  const pauseMs = forks.find((fork) => fork.source_pause_ms !== undefined)?.source_pause_ms;
  const ran = `${forks.length === 1 ? 'it runs' : `all ${forks.length} run`} after ${formatDuration(tookMs)}`;
  return pauseMs === undefined ? ran : `${ran}; the source stood still for ${formatDuration(pauseMs)}`;
};
