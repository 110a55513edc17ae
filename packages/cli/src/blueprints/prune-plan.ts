import type { BlueprintView } from '@berth/contract';
import { buildHasEnded } from './follow-build.ts';

/** Which blueprints may go. What is left out does not matter. */
export interface PruneRule {
  /** Only those made before this time (Unix ms). */
  readonly beforeMs?: number;
  /** The newest so many of each name that are built stay, whatever else holds. */
  readonly keep?: number;
  /** Only those whose build failed. */
  readonly failed?: boolean;
  /** Ids of blueprints that living boxes were started from: those stay. */
  readonly used?: ReadonlySet<string>;
}

export interface PrunePlan {
  readonly goes: readonly BlueprintView[];
  readonly stays: readonly BlueprintView[];
}

/** Parts blueprints into those that go by the rule and those that stay, both newest first. Builds that have not ended stay. */
export const planPrune = (blueprints: readonly BlueprintView[], rule: PruneRule): PrunePlan => {
  const newestFirst = blueprints.toSorted((one, other) => other.create_time_ms - one.create_time_ms);
  const built = new Map<string, number>();
  const goes = newestFirst.filter((blueprint) => {
    const { id, name, status, create_time_ms } = blueprint;
    const place = built.get(name) ?? 0;
    if (status === 'build_complete') {
      built.set(name, place + 1);
    }
    return (
      buildHasEnded(blueprint) &&
      (status === 'failed' || place >= (rule.keep ?? 0)) &&
      (!rule.failed || status === 'failed') &&
      create_time_ms < (rule.beforeMs ?? Number.POSITIVE_INFINITY) &&
      !rule.used?.has(id)
    );
  });
  const going = new Set(goes);
  return { goes, stays: newestFirst.filter((blueprint) => !going.has(blueprint)) };
};
