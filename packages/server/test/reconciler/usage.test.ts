import { describe, expect, it } from 'vitest';
import type { Devbox } from '../../src/devboxes/devbox.ts';
import { usageOf } from '../../src/usage/usage.ts';

const box = (more: Partial<Devbox>): Devbox => ({
  id: 'dbx',
  accountId: 'acc',
  name: null,
  metadata: {},
  status: 'running',
  hostState: 'present',
  failureReason: null,
  shutdownReason: null,
  transitions: [
    { status: 'provisioning', at_ms: 1_000 },
    { status: 'initializing', at_ms: 3_000 },
    { status: 'running', at_ms: 4_000 },
  ],
  launchParameters: { resource_size_request: 'X_SMALL' },
  wish: { environment: {}, secretNames: {} },
  mountsLeft: 0,
  layer: null,
  isolation: null,
  createMs: 1_000,
  endMs: null,
  idleMs: null,
  blueprintId: null,
  imageBlueprintId: null,
  snapshotId: null,
  image: null,
  forkedFrom: null,
  sourcePauseMs: null,
  restarts: 0,
  suspensions: 0,
  withMemory: false,
  resume: null,
  hooksUntilMs: null,
  revision: 0,
  statusMs: 4_000,
  activeMs: 1_000,
  ...more,
});

describe('usage', () => {
  it('runs on while the box does', () => {
    expect(usageOf(box({}), 11_000)).toMatchObject({
      total_elapsed_seconds: 10,
      total_active_seconds: 8,
      vcpu_seconds: 4,
      memory_gb_seconds: 8,
      disk_gb_seconds: 40,
      end_time_ms: null,
    });
  });

  it('stands still after the end, also when shutdown follows failure', () => {
    const ended = box({
      status: 'shutdown',
      endMs: 6_000,
      statusMs: 9_000,
      activeMs: 3_000,
    });
    expect(usageOf(ended, 99_000)).toMatchObject({ total_elapsed_seconds: 5, total_active_seconds: 3 });
  });

  it('leaves out the time of a suspension, but not its disk', () => {
    const asleep = box({ status: 'suspended', statusMs: 9_000, activeMs: 6_000 });
    expect(usageOf(asleep, 101_000)).toMatchObject({
      total_elapsed_seconds: 100,
      total_active_seconds: 6,
      disk_gb_seconds: 400,
    });
  });

  it('counts nothing active for a box that never began', () => {
    const waiting = box({ status: 'provisioning', statusMs: 1_000, activeMs: 0 });
    expect(usageOf(waiting, 5_000)).toMatchObject({ total_active_seconds: 0, vcpu_seconds: 0, disk_gb_seconds: 16 });
  });
});
