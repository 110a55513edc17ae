import { type NamedSize, type PresentUse, sizeOf, type UsageView } from '@berth/contract';
import type { BoxMetrics } from '@berth/host/contract';
import type { Devbox } from '../devboxes/devbox.ts';
import { activeStatuses } from '../devboxes/transition.ts';

const gib = 2 ** 30;

const isActive = (box: Devbox): boolean => (activeStatuses as readonly string[]).includes(box.status);

/** Time spent in active statuses: what was added up at each change, and the present status. */
const activeMs = (box: Devbox, nowMs: number): number =>
  box.activeMs + (isActive(box) ? Math.max(0, nowMs - box.statusMs) : 0);

/** What the box has used until now, or until its end (API §6): processor and memory by active time, without suspensions; disk by elapsed time. */
export const usageOf = (box: Devbox, nowMs: number, metrics?: BoxMetrics): UsageView => {
  const size = sizeOf(box.launchParameters);
  const elapsedSeconds = Math.max(0, (box.endMs ?? nowMs) - box.createMs) / 1000;
  const activeSeconds = activeMs(box, nowMs) / 1000;
  return {
    id: box.id,
    status: box.status,
    start_time_ms: box.createMs,
    end_time_ms: box.endMs,
    total_elapsed_seconds: elapsedSeconds,
    total_active_seconds: activeSeconds,
    vcpu_seconds: activeSeconds * size.cpus,
    memory_gb_seconds: activeSeconds * size.memoryGib,
    disk_gb_seconds: elapsedSeconds * size.diskGib,
    now: metrics === undefined ? null : presentUse(metrics, size),
  };
};

const presentUse = (metrics: BoxMetrics, size: NamedSize): PresentUse => ({
  processes: metrics.processes,
  memory_used_bytes: metrics.memoryUsedBytes,
  memory_limit_bytes: size.memoryGib * gib,
  disk_used_bytes: metrics.diskUsedBytes,
  disk_limit_bytes: size.diskGib * gib,
});
