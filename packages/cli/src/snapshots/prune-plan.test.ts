import type { SnapshotView } from '@berth/contract';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { planPrune } from './prune-plan.ts';

const snapshot = (id: string, create_time_ms: number): SnapshotView => ({
  id,
  create_time_ms,
  name: null,
  commit_message: null,
  source_blueprint_id: null,
  metadata: {},
  size_bytes: 1,
  source_devbox_id: 'dbx',
});
const all = [snapshot('a', 10), snapshot('c', 30), snapshot('b', 20), snapshot('d', 40)];
const ids = (snapshots: readonly SnapshotView[]): string => snapshots.map(({ id }) => id).join('');

describe('what prune deletes', () => {
  it('is what is older than the bound', () => {
    const { goes, stays } = planPrune(all, { beforeMs: 30 });
    expect([ids(goes), ids(stays)]).toEqual(['ba', 'dc']);
  });

  it('is what no living box came from', () => {
    expect(ids(planPrune(all, { used: new Set(['a', 'd']) }).goes)).toBe('cb');
  });

  it('is never the newest that are to be kept', () => {
    expect(ids(planPrune(all, { keep: 3 }).goes)).toBe('a');
    expect(ids(planPrune(all, { keep: 9 }).goes)).toBe('');
  });

  it('must be allowed by every rule, and parts the whole', () => {
    const rules = fc.record(
      {
        beforeMs: fc.nat(60),
        keep: fc.nat(5),
        used: fc.subarray(['a', 'b', 'c', 'd']).map((some) => new Set(some)),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(rules, (rule) => {
        const { goes, stays } = planPrune(all, rule);
        expect([...ids(goes), ...ids(stays)].sort().join('')).toBe('abcd');
        for (const { id, create_time_ms } of goes) {
          expect(create_time_ms).toBeLessThan(rule.beforeMs ?? 100);
          expect(rule.used?.has(id) ?? false).toBe(false);
          expect(all.filter((other) => other.create_time_ms > create_time_ms).length).toBeGreaterThanOrEqual(
            rule.keep ?? 0,
          );
        }
      }),
    );
  });
});
