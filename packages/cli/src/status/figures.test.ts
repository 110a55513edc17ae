import { describe, expect, it } from 'vitest';
import { figuresOf } from './figures.ts';
import { statusText } from './text.ts';

const metrics = `# HELP berth_devboxes Devboxes that have not ended, by status
# TYPE berth_devboxes gauge
berth_devboxes{status="running"} 3
berth_devboxes{status="suspended"} 2
berth_devboxes_queued 0
berth_snapshots 4
berth_snapshot_bytes 1.048576e+06
berth_pool{figure="ready"} 2
berth_pool{figure="hits"} 31
berth_pool{figure="misses"} 9
berth_pool{figure="oldest_ms"} 12000
berth_pool{figure="memory_bytes"} 1048576
`;

describe('figures of a server', () => {
  it('are read from its metrics', () => {
    expect(figuresOf(metrics)).toEqual({
      boxes: { running: 3, suspended: 2 },
      snapshots: { count: 4, sizeBytes: 1_048_576 },
      pool: { ready: 2, hits: 31, misses: 9, oldestMs: 12_000, memoryBytes: 1_048_576 },
    });
  });

  it('may be none', () => {
    expect(figuresOf('')).toEqual({ boxes: {} });
  });

  it('are shown with what they mean', () => {
    const text = statusText({
      state: 'running',
      stateDirectory: '/state',
      version: '1',
      services: [],
      isolations: [
        { isolation: 'container', usable: true },
        { isolation: 'gvisor', usable: false, reason: 'no runsc' },
      ],
      boxes: 5,
      figures: figuresOf(metrics),
      disk: undefined,
    });
    expect(text).toContain('isolation gvisor: not usable, no runsc');
    expect(text).toContain('boxes: 5 (3 running, 2 suspended)');
    expect(text).toContain('snapshots: 4, 1.0 MiB');
    expect(text).toContain('pool: 2 ready (1.0 MiB, the oldest for 12.0 s), 31 of 40 boxes came from it');
  });
});
