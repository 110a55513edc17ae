import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { DevboxListView } from '@berth/contract';
import { ApiClient } from '../http/client.ts';
import { findEndpoint } from '../http/endpoint.ts';
import type { StatePaths } from '../installation/paths.ts';
import { remark } from '../output/style.ts';
import { readSupervisorState } from './published-state.ts';

/** Boxes that have processes. */
export interface LivingBoxes {
  readonly count: number;
  /** Known when the API answered. */
  readonly ids: readonly string[];
}

const ended = new Set(['shutdown', 'failure']);

/** Asks this installation's API; when that does not run, counts the boxes that the host keeps directories of. */
export const livingBoxes = async (paths: StatePaths): Promise<LivingBoxes> => {
  if (readSupervisorState(paths)?.phase === 'ready') {
    try {
      const ids = await listLiving(localClient());
      return { count: ids.length, ids };
    } catch {
      // The directories tell.
    }
  }
  const directory = join(paths.run, 'boxes');
  return { count: existsSync(directory) ? readdirSync(directory).length : 0, ids: [] };
};

/** Shuts the boxes down by the API, some at a time. */
export const shutDownBoxes = async (ids: readonly string[]): Promise<void> => {
  const atOnce = 8;
  const client = ids.length === 0 ? undefined : localClient();
  if (client !== undefined) {
    remark(`shutting down ${ids.length} ${ids.length === 1 ? 'box' : 'boxes'}`);
    const queue = [...ids];
    const worker = async (): Promise<void> => {
      for (let id = queue.shift(); id !== undefined; id = queue.shift()) {
        await client.json('POST', `/v1/devboxes/${id}/shutdown`, { query: { force: true } });
      }
    };
    await Promise.all(Array.from({ length: atOnce }, worker));
  }
};

/** Client of the installation on this machine, whatever `RUNLOOP_BASE_URL` says. */
const localClient = (): ApiClient => new ApiClient(findEndpoint({ local: true }));

const listLiving = async (client: ApiClient): Promise<string[]> => {
  const ids: string[] = [];
  let after: string | undefined;
  for (;;) {
    const page = await client.json<DevboxListView>('GET', '/v1/devboxes', {
      query: { limit: 1_000, starting_after: after, include_total_count: false },
    });
    ids.push(...page.devboxes.filter(({ status }) => !ended.has(status)).map(({ id }) => id));
    after = page.devboxes.at(-1)?.id;
    if (!page.has_more || after === undefined) {
      return ids;
    }
  }
};
