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
