import { sizeOf, type UsageView } from '@berth/contract';
import type { Devbox } from '../devboxes/devbox.ts';

/** Statuses in which a box holds processor and memory. */
const activeStatuses: ReadonlySet<string> = new Set(['initializing', 'running']);

/** Time spent in active statuses, from the recorded transitions. */
const activeMs = (box: Devbox, nowMs: number): number =>
  box.transitions.reduce((total, transition, index) => {
    const untilMs = box.transitions[index + 1]?.at_ms ?? box.endMs ?? nowMs;
    return activeStatuses.has(transition.status) ? total + Math.max(0, untilMs - transition.at_ms) : total;
  }, 0);

/** What the box has used until now, or until its end (API §6): processor and memory by active time, disk by elapsed time. */
export const usageOf = (box: Devbox, nowMs: number): UsageView => {
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
  };
};
