import type { BoxSize } from '../../contract/index.ts';
import { cpuLimitsOf, type Pace } from './cpu-limits.ts';

/** What the machine lets a box's limits be expressed in. */
export interface MachineLimits {
  /** Cores that boxes may run on. */
  readonly cpus: readonly number[];
  /** The memory controller counts swap too. */
  readonly swapAccounting: boolean;
}

/**
 * `linux.resources` of a box. The cpuset makes `nproc` show what was asked for; the quota holds fractions; shares divide a full machine by size.
 * The set's cores are spread by slot, so that neighbouring boxes do not meet on one core.
 */
export function boxResources(size: BoxSize, slot: number, machine: MachineLimits, pace: Pace = 'limited'): object {
  const memory = Math.ceil(size.memoryBytes);
  const { shares, quotaUs, periodUs } = cpuLimitsOf(size, pace);
  return {
    // Nothing but what the runtime adds itself: null, zero, full, random, urandom, tty, ptmx, pts.
    devices: [{ allow: false, access: 'rwm' }],
    memory: machine.swapAccounting ? { limit: memory, swap: memory } : { limit: memory },
    cpu: {
      shares,
      ...(quotaUs === undefined ? {} : { quota: quotaUs, period: periodUs }),
      cpus: (pace === 'waking' ? machine.cpus : coresOf(size.cpus, slot, machine.cpus)).join(','),
    },
    pids: { limit: size.processes },
  };
}

export function coresOf(cpus: number, slot: number, available: readonly number[]): number[] {
  const count = Math.min(Math.ceil(cpus), available.length);
  const cores = Array.from({ length: count }, (_, index) => available[(slot * count + index) % available.length] ?? 0);
  return cores.sort((one, other) => one - other);
}

/** `0-3,8` as numbers. */
export function parseCpuList(text: string): number[] {
  return text
    .trim()
    .split(',')
    .filter((part) => part !== '')
    .flatMap((part) => {
      const [first = 0, last = first] = part.split('-').map(Number);
      return Array.from({ length: last - first + 1 }, (_, index) => first + index);
    });
}
