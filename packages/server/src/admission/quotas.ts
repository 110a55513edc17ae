import { apiError } from '../errors/api-error.ts';
import type { Sums } from './ledger.ts';
import type { Quotas } from './settings.ts';

/** What an account asks for beyond what it has. */
export interface QuotaDemand {
  readonly running: number;
  readonly memoryBytes: number;
  readonly diskBytes: number;
  /** The largest single box of it. */
  readonly largest?: { readonly memoryBytes: number };
}

const gibibyte = 1024 ** 3;

const refuseAbove = (limit: number, what: string, used: number, more: number): void => {
  if (more > 0 && used + more > limit) {
    throw apiError('quotaExceeded', { what, used, more, limit });
  }
};

/** Throws `quotaExceeded`, which names the quota. */
export const checkQuota = (
  quotas: Quotas,
  has: Pick<Sums, 'running' | 'quotaMemoryBytes' | 'quotaDiskBytes'>,
  demand: QuotaDemand,
): void => {
  refuseAbove(quotas.running, 'running devboxes', has.running, demand.running);
  refuseAbove(
    quotas.memoryGib,
    'GiB of memory in running devboxes',
    has.quotaMemoryBytes / gibibyte,
    demand.memoryBytes / gibibyte,
  );
  refuseAbove(quotas.diskGib, 'GiB of disk in devboxes', has.quotaDiskBytes / gibibyte, demand.diskBytes / gibibyte);
};

/** The same for one more blueprint. */
export const checkBlueprintQuota = (
  quotas: Quotas,
  has: { readonly count: number; readonly building: number },
): void => {
  refuseAbove(quotas.blueprints, 'blueprints', has.count, 1);
  refuseAbove(quotas.builds, 'builds at a time', has.building, 1);
};

/** The same for one more snapshot. Its size is not known yet: one that has all its bytes takes no more. */
export const checkSnapshotQuota = (quotas: Quotas, has: { readonly count: number; readonly bytes: number }): void => {
  refuseAbove(quotas.snapshots, 'snapshots', has.count, 1);
  const used = has.bytes / gibibyte;
  if (used >= quotas.snapshotGib) {
    throw apiError('quotaExceeded', { what: 'GiB of snapshots', used, more: 'some', limit: quotas.snapshotGib });
  }
};

/** The same for more content of objects. */
export const checkObjectQuota = (quotas: Quotas, usedBytes: number, moreBytes: number): void =>
  refuseAbove(quotas.objectGib * gibibyte, 'bytes in objects', usedBytes, moreBytes);
