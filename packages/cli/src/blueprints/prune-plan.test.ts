import type { BlueprintView } from '@berth/contract';
import { describe, expect, it } from 'vitest';
import { planPrune } from './prune-plan.ts';

const blueprint = (id: string, create_time_ms: number, more: Partial<BlueprintView> = {}): BlueprintView => ({
  id,
  name: 'one',
  create_time_ms,
  build_finish_time_ms: create_time_ms,
  status: 'build_complete',
  state: 'created',
  failure_reason: null,
  failure_message: null,
  parameters: { name: 'one' },
  metadata: {},
  base_blueprint_id: null,
  containerized_services: [],
  devbox_capabilities: [],
  is_public: false,
  size_bytes: 1,
  stand_in: null,
  ...more,
});

const all = [
  blueprint('a', 10),
  blueprint('b', 20),
  blueprint('c', 30, { status: 'failed' }),
  blueprint('d', 40, { name: 'two' }),
  blueprint('e', 50, { status: 'building', build_finish_time_ms: null }),
];
const goes = (rule: Parameters<typeof planPrune>[1]): string =>
  planPrune(all, rule)
    .goes.map(({ id }) => id)
    .join('');

describe('what prune chooses', () => {
  it('is never a build that has not ended', () => {
    expect(goes({})).toBe('dcba');
    expect(planPrune(all, {}).stays.map(({ id }) => id)).toEqual(['e']);
  });

  it('is what is older, what failed, and what no box came from', () => {
    expect(goes({ beforeMs: 30 })).toBe('ba');
    expect(goes({ failed: true })).toBe('c');
    expect(goes({ used: new Set(['a', 'c']) })).toBe('db');
  });

  it('leaves the newest of each name that are built; failed ones do not count', () => {
    expect(goes({ keep: 1 })).toBe('ca');
    expect(goes({ keep: 2 })).toBe('c');
    expect(goes({ keep: 1, beforeMs: 15 })).toBe('a');
  });
});
