import type { BoxPhase, BoxSize, BoxState, Isolation, Layer, StopCause } from '../contract/index.ts';

/**
 * As others see it, but for two: `destroying` (on its way to `destroyed`, whatever it was before) and `resuming` (was suspended and is again
 * when the start fails).
 */
export type StoredPhase = BoxPhase | 'destroying' | 'resuming';

/** One box as the host remembers it. Its environment is not among it. */
export interface BoxRow {
  /** Names what the box has on this machine: files, cgroup, container, link, spool. Never changes. */
  readonly place: string;
  /** What callers name the box by. */
  readonly id: string;
  readonly phase: StoredPhase;
  readonly isolation: Isolation;
  readonly slot: number;
  readonly size: BoxSize;
  /** What its writable directory lies on, top layer first. */
  readonly layers: readonly Layer[];
  /** The part of the environment that the image brings. */
  readonly imageEnvironment: Readonly<Record<string, string>>;
  readonly pid: number | undefined;
  /** Start time of `pid`, in clock ticks since boot: tells it from a later process with the same number. */
  readonly startTimeTicks: number | undefined;
  readonly netSlot: number | undefined;
  readonly ipv4: string | undefined;
  readonly cause: StopCause | undefined;
  readonly detail: string | undefined;
  readonly startedMs: number | undefined;
  readonly stoppedMs: number | undefined;
}

/** What a row says of the processes of a box that has none. */
export const noProcesses = { pid: undefined, startTimeTicks: undefined, netSlot: undefined, ipv4: undefined } as const;

/** A present box is on its way to `running` or there. */
export const isPresent = ({ phase }: BoxRow): boolean =>
  phase === 'starting' || phase === 'resuming' || phase === 'running';

/** What others see of a row. */
export function stateOf(row: BoxRow): BoxState {
  const cause = row.cause ?? (row.phase === 'destroying' ? 'destroyed' : undefined);
  return {
    id: row.id,
    phase: shown(row.phase),
    isolation: row.isolation,
    ...(row.ipv4 === undefined ? {} : { ipv4: row.ipv4 }),
    ...(row.phase === 'suspended' ? { hasMemory: false } : {}),
    ...(cause === undefined ? {} : { cause }),
    ...(row.detail === undefined ? {} : { detail: row.detail }),
    ...(row.startedMs === undefined ? {} : { startedMs: row.startedMs }),
    ...(row.stoppedMs === undefined ? {} : { stoppedMs: row.stoppedMs }),
  };
}

function shown(phase: StoredPhase): BoxPhase {
  switch (phase) {
    case 'destroying':
      return 'stopped';
    case 'resuming':
      return 'starting';
    default:
      return phase;
  }
}
