import type { DevboxStatus, DevboxView } from '@berth/contract';
import type { ApiClient } from '../http/client.ts';
import { everyItem } from '../http/pages.ts';

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
  const lists = await Promise.all((statuses ?? [undefined]).map((status) => newest(client, status, limit)));
  const byId = new Map(lists.flat().map((devbox) => [devbox.id, devbox] as const));
  return [...byId.values()].toSorted((one, other) => other.create_time_ms - one.create_time_ms).slice(0, limit);
};

const largestPage = 1_000;

const newest = async (client: ApiClient, status: DevboxStatus | undefined, limit: number): Promise<DevboxView[]> => {
  const devboxes: DevboxView[] = [];
  const query = { limit: Math.min(limit, largestPage), status };
  for await (const devbox of everyItem<DevboxView>(client, '/v1/devboxes', 'devboxes', query)) {
    devboxes.push(devbox);
    if (devboxes.length >= limit) {
      break;
    }
  }
  return devboxes;
};
