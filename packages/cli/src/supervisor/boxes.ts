import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { DevboxView } from '@berth/contract';
import { hasEnded } from '../devboxes/view.ts';
import { ApiClient } from '../http/client.ts';
import { findEndpoint } from '../http/endpoint.ts';
import { everyItem } from '../http/pages.ts';
import type { StatePaths } from '../installation/paths.ts';
import { remark } from '../output/style.ts';
import { readSupervisorState } from './published-state.ts';

/** Boxes that live. */
export interface LivingBoxes {
  /** Those that have processes. */
  readonly count: number;
  /** Their ids; known when the API answered. */
  readonly ids: readonly string[];
  /** Those that are parked: nothing runs for them. Known when the API answered. */
  readonly suspendedIds: readonly string[];
}

/** Asks this installation's API; when that does not run, counts the boxes that the host keeps directories of. */
export const livingBoxes = async (paths: StatePaths): Promise<LivingBoxes> => {
  if (readSupervisorState(paths)?.phase === 'ready') {
    try {
      const boxes = await Array.fromAsync(everyItem<DevboxView>(localClient(), '/v1/devboxes', 'devboxes'));
      const living = boxes.filter((box) => !hasEnded(box));
      const suspendedIds = living.filter(({ status }) => status === 'suspended').map(({ id }) => id);
      const ids = living.filter(({ status }) => status !== 'suspended').map(({ id }) => id);
      return { count: ids.length, ids, suspendedIds };
    } catch {
      // The directories tell.
    }
  }
  const directory = join(paths.run, 'boxes');
  return { count: existsSync(directory) ? readdirSync(directory).length : 0, ids: [], suspendedIds: [] };
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
