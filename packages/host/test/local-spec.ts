import { randomBytes } from 'node:crypto';
import type { BoxSpec } from '../src/contract/index.ts';

/** The wish for a small box of a new id. */
export function boxSpec(change: Partial<BoxSpec> = {}): BoxSpec {
  return {
    id: `dbx-${randomBytes(6).toString('hex')}`,
    isolation: 'auto',
    image: 'default',
    size: { cpus: 1, memoryBytes: 256 * 2 ** 20, diskBytes: 256 * 2 ** 20, processes: 128 },
    user: { name: 'user', uid: 1000, gid: 1000, home: '/home/user' },
    hostname: 'devbox',
    environment: {},
    ...change,
  };
}
