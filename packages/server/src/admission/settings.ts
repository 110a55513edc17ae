import { type AccountLimits, accountLimits } from '@berth/contract';
import { z } from 'zod';

/** Most that one account may have at a time. */
export interface Quotas {
  /** Devboxes that run or wait to. */
  readonly running: number;
  /** Their nominal memory, and the nominal disk of all devboxes that have not ended. */
  readonly memoryGib: number;
  readonly diskGib: number;
  readonly snapshots: number;
  readonly snapshotGib: number;
  readonly blueprints: number;
  /** Blueprints that are being built or wait to be. */
  readonly builds: number;
  /** Content of objects. */
  readonly objectGib: number;
}

export const defaultQuotas: Quotas = {
  running: 1_000,
  memoryGib: 4_096,
  diskGib: 16_384,
  snapshots: 10_000,
  snapshotGib: 4_096,
  blueprints: 10_000,
  builds: 200,
  objectGib: 4_096,
};

export interface AdmissionSettings {
  /** Starts that the host works on at once. */
  readonly parallelStarts: number;
  /**
   * Nominal memory of all boxes ÷ memory of the host, and nominal disks ÷ free disk. Sizes are limits, not reservations, and idle boxes use a
   * fraction: 1 promises every box its whole size at any time. Disks are the emptier: an idle box holds a few MiB of the 4 GiB of the smallest
   * size, and 500 of them, suspended ones included, have to find their place on a small machine.
   */
  readonly memoryOvercommit: number;
  readonly diskOvercommit: number;
  /** Nothing is started while less disk than this is free. */
  readonly diskReserveBytes: number;
  /** How long one that does not fit lets others pass. */
  readonly patienceMs: number;
  /** Time between the notice of an eviction and the suspension. */
  readonly evictionNoticeMs: number;
  /** By account; `*` holds for those not named, and for figures left out. */
  readonly quotas: Readonly<Record<string, AccountLimits>>;
}

export const defaultAdmissionSettings: AdmissionSettings = {
  parallelStarts: 8,
  memoryOvercommit: 50,
  diskOvercommit: 200,
  diskReserveBytes: 1024 ** 3,
  patienceMs: 30_000,
  evictionNoticeMs: 60_000,
  quotas: {},
};

/** `BERTH_QUOTAS`: JSON of account id, or `*`, to quotas. */
export const quotasByAccount = z.record(z.string(), accountLimits);

/** The same quotas, but for those that are limited otherwise. */
export const withLimits = (quotas: Quotas, limits: AccountLimits = {}): Quotas => {
  const given = Object.entries(limits).filter(([, limit]) => limit !== undefined);
  return { ...quotas, ...(Object.fromEntries(given) as Partial<Quotas>) };
};

/** What holds for one account that the operator has set nothing for. */
export const quotasOf = ({ quotas }: Pick<AdmissionSettings, 'quotas'>, accountId: string): Quotas =>
  withLimits(withLimits(defaultQuotas, quotas['*']), quotas[accountId]);
