import { apiError } from '../errors/api-error.ts';
import type { Sums } from './ledger.ts';
import { type AdmissionSettings, quotasOf } from './settings.ts';

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
  settings: Pick<AdmissionSettings, 'quotas'>,
  accountId: string,
  has: Pick<Sums, 'running' | 'quotaMemoryBytes' | 'quotaDiskBytes'>,
  demand: QuotaDemand,
): void => {
  const quotas = quotasOf(settings, accountId);
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
  settings: Pick<AdmissionSettings, 'quotas'>,
  accountId: string,
  has: { readonly count: number; readonly building: number },
): void => {
  const quotas = quotasOf(settings, accountId);
  refuseAbove(quotas.blueprints, 'blueprints', has.count, 1);
  refuseAbove(quotas.builds, 'builds at a time', has.building, 1);
};

/** The same for one more snapshot. Its size is not known yet: one that has all its bytes takes no more. */
export const checkSnapshotQuota = (
  settings: Pick<AdmissionSettings, 'quotas'>,
  accountId: string,
  has: { readonly count: number; readonly bytes: number },
): void => {
  const quotas = quotasOf(settings, accountId);
  refuseAbove(quotas.snapshots, 'snapshots', has.count, 1);
  const used = has.bytes / gibibyte;
  if (used >= quotas.snapshotGib) {
    throw apiError('quotaExceeded', { what: 'GiB of snapshots', used, more: 'some', limit: quotas.snapshotGib });
  }
};
