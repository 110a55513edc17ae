import { writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BoxSize } from '../../contract/index.ts';
import { type CgroupLayout, controllerDirectory } from './cgroup-layout.ts';

const PERIOD_US = 100_000;
const MIN_SHARES = 2;
/** Far behind a box of any size, and yet enough to have started in seconds beside boxes that never rest. */
const WAITING_SHARES = 64;
const MAX_SHARES = 262_144;
const MAX_WEIGHT = 10_000;

/**
 * How a box stands to the processors. `limited`: as its size says. `starting`: without a quota, for nothing of its owner runs in it yet and somebody waits for
 * it. `waking`: the same on all cores, for its programs know from their memory how many they have. `waiting`: without a quota, but behind all others, for nobody
 * has it yet.
 */
export type Pace = 'limited' | 'starting' | 'waking' | 'waiting';

export interface CpuLimits {
  readonly shares: number;
  /** Of each period; left out where there is no limit. */
  readonly quotaUs: number | undefined;
  readonly periodUs: number;
}

/** What a box of this size may have of the processors. */
export function cpuLimitsOf({ cpus }: Pick<BoxSize, 'cpus'>, pace: Pace): CpuLimits {
  const shares = Math.min(MAX_SHARES, Math.max(MIN_SHARES, Math.round(cpus * 1024)));
  const quotaUs = Math.max(1_000, Math.round(cpus * PERIOD_US));
  return {
    shares: pace === 'waiting' ? Math.min(WAITING_SHARES, shares) : shares,
    quotaUs: pace === 'limited' ? quotaUs : undefined,
    periodUs: PERIOD_US,
  };
}

/** Name and content of the file that holds a box to its processor time. */
export function quotaFile(
  version: CgroupLayout['version'],
  size: Pick<BoxSize, 'cpus'>,
  pace: Pace,
): [name: string, content: string] {
  const { quotaUs, periodUs } = cpuLimitsOf(size, pace);
  return version === 'v2'
    ? ['cpu.max', `${quotaUs ?? 'max'} ${periodUs}`]
    : ['cpu.cfs_quota_us', String(quotaUs ?? -1)];
}

/** Limits a running box to its processors. */
export async function writeCpuQuota(layout: CgroupLayout, cgroupsPath: string, size: BoxSize): Promise<void> {
  const directory = controllerDirectory(layout, 'cpu', cgroupsPath);
  if (directory !== undefined) {
    const [name, content] = quotaFile(layout.version, size, 'limited');
    await writeFile(join(directory, name), content);
  }
}

/** Gives a box that waited the share of its size. At once: the file is in the kernel's memory, and the box is about to be worked with. */
export function writeCpuShare(layout: CgroupLayout, cgroupsPath: string, size: BoxSize): void {
  const { shares } = cpuLimitsOf(size, 'limited');
  const directory = controllerDirectory(layout, 'cpu', cgroupsPath);
  if (directory !== undefined) {
    layout.version === 'v2'
      ? writeFileSync(join(directory, 'cpu.weight'), String(weightOf(shares)))
      : writeFileSync(join(directory, 'cpu.shares'), String(shares));
  }
}

/** Shares on the scale of v2, as runtimes convert them. */
export const weightOf = (shares: number): number =>
  1 + Math.floor(((shares - MIN_SHARES) * (MAX_WEIGHT - 1)) / (MAX_SHARES - MIN_SHARES));
