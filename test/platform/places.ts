import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Platform } from './platform.ts';

/** What names all that the box has on this machine: its id, or for one from the pool what the host said when it gave it away. */
export function placeOf(platform: Pick<Platform, 'state'>, boxId: string): string {
  const log = readFileSync(join(platform.state, 'logs/host.log'), 'utf8');
  return new RegExp(`"boxId":"${boxId}","place":"([^"]+)"[^\\n]*from the pool`).exec(log)?.[1] ?? boxId;
}

/** First process of the box in this place, as the runtime wrote it down. */
export function firstProcessIn(platform: Pick<Platform, 'state'>, place: string): number | undefined {
  try {
    return Number(readFileSync(join(platform.state, 'run/bundles', place, 'pid'), 'utf8'));
  } catch {
    return undefined;
  }
}
