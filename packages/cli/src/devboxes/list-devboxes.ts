import type { DevboxListView, DevboxStatus, DevboxView } from '@berth/contract';
import type { ApiClient } from '../http/client.ts';

/**
 * Boxes in these statuses (all when left out), newest first. The API filters by one status at a time: they are asked for at once, and a box that
 * changes meanwhile is shown once.
 * @param limit bound of what is given
 */
export const listDevboxes = async (
  client: ApiClient,
  statuses: readonly DevboxStatus[] | undefined,
  limit: number,
): Promise<DevboxView[]> => {
  const pages = await Promise.all(
    (statuses ?? [undefined]).map((status) =>
      client.json<DevboxListView>('GET', '/v1/devboxes', {
        query: { limit: Math.min(limit, largestPage), status, include_total_count: false },
      }),
    ),
  );
  const byId = new Map(pages.flatMap(({ devboxes }) => devboxes.map((devbox) => [devbox.id, devbox] as const)));
  return [...byId.values()].toSorted((one, other) => other.create_time_ms - one.create_time_ms).slice(0, limit);
};

const largestPage = 5_000;
