import type { DevboxView } from '@berth/contract';
import type { ApiClient } from '../http/client.ts';

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
