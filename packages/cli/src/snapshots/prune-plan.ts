import type { SnapshotView } from '@berth/contract';

/** Which snapshots may go. What is left out does not matter. */
export interface PruneRule {
  /** Only those taken before this time (Unix ms). */
  readonly beforeMs?: number;
  /** Ids of snapshots that living boxes were started from: those stay. */
  readonly used?: ReadonlySet<string>;
  /** The newest so many stay, whatever else holds. */
  readonly keep?: number;
}

export interface PrunePlan {
  readonly goes: readonly SnapshotView[];
  readonly stays: readonly SnapshotView[];
}

/** Parts snapshots into those that go by the rule and those that stay, both newest first. */
export const planPrune = (snapshots: readonly SnapshotView[], rule: PruneRule): PrunePlan => {
  const newestFirst = snapshots.toSorted((one, other) => other.create_time_ms - one.create_time_ms);
  const older = newestFirst.slice(rule.keep ?? 0);
  const goes = older.filter(
    ({ id, create_time_ms }) => create_time_ms < (rule.beforeMs ?? Number.POSITIVE_INFINITY) && !rule.used?.has(id),
  );
  const going = new Set(goes);
  return { goes, stays: newestFirst.filter((snapshot) => !going.has(snapshot)) };
};
