import { join } from 'node:path';
import { connectHost } from '@berth/host/client';
import type { Platform } from './platform.ts';

/** The host's own leak counters, asked over its socket. */
export async function hostLeaks(platform: Platform): Promise<Readonly<Record<string, number>>> {
  const host = connectHost(join(platform.state, 'run/host.sock'));
  try {
    return (await host.describe()).leaks;
  } finally {
    await host.close();
  }
}

/** Grades of isolation that boxes can have here; `container` first. */
export async function usableGrades(platform: Platform): Promise<['container', ...'gvisor'[]]> {
  const host = connectHost(join(platform.state, 'run/host.sock'));
  try {
    const { isolations } = await host.describe();
    const hasGvisor = isolations.some(({ isolation, usable }) => isolation === 'gvisor' && usable);
    return hasGvisor ? ['container', 'gvisor'] : ['container'];
  } finally {
    await host.close();
  }
}
