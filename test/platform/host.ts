import { join } from 'node:path';
import { connectHost } from '@berth/host/client';
import type { HostDescription } from '@berth/host/contract';
import type { Platform } from './platform.ts';

/** What the host says of itself, asked over its socket. */
export async function describeHost(platform: Platform): Promise<HostDescription> {
  const host = connectHost(join(platform.state, 'run/host.sock'));
  try {
    return await host.describe();
  } finally {
    await host.close();
  }
}

/** The host's own leak counters. */
export const hostLeaks = async (platform: Platform): Promise<Readonly<Record<string, number>>> =>
  (await describeHost(platform)).leaks;

/** Grades of isolation that boxes can have here; `container` first. */
export async function usableGrades(platform: Platform): Promise<['container', ...'gvisor'[]]> {
  const { isolations } = await describeHost(platform);
  const hasGvisor = isolations.some(({ isolation, usable }) => isolation === 'gvisor' && usable);
  return hasGvisor ? ['container', 'gvisor'] : ['container'];
}

/** Has the host delete all layers of mounts, as if there were no room for them; returns how many there were. */
export async function evictLayers(platform: { readonly state: string }): Promise<number> {
  const host = connectHost(join(platform.state, 'run/host.sock'));
  try {
    const layers = (await host.snapshots()).filter(({ id }) => id.startsWith('lay_'));
    for (const { id } of layers) {
      await host.deleteSnapshot(id);
    }
    return layers.length;
  } finally {
    await host.close();
  }
}
