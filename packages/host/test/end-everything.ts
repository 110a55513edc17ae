import { expect } from 'vitest';
import type { Host } from '../src/contract/index.ts';
import { patienceMs } from './patience.ts';

/** Ends all boxes of a host, removes its snapshots, and sees that it counts nothing that was left behind. */
export async function endEverything(host: Host): Promise<void> {
  await Promise.all((await host.list()).map(({ id }) => host.destroy(id)));
  await Promise.all((await host.snapshots()).map(({ id }) => host.deleteSnapshot(id)));
  const leaks = async () => Object.entries((await host.describe()).leaks).filter(([, count]) => count !== 0);
  await expect.poll(leaks, { timeout: patienceMs(10_000) }).toEqual([]);
}
