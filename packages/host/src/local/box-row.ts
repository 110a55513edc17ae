import type { BoxPhase, BoxSize, BoxState, Isolation, Layer, StopCause } from '../contract/index.ts';
import { isPoolPlace } from './pool/pool-place.ts';

/**
 * As others see it, but for some: `destroying` (on its way to `destroyed`, whatever it was before), `resuming` (was suspended and is again when the
 * start fails), and those of boxes that nobody has yet, which others do not see: `pooling` (being started) and `pooled` (waits).
 */
export type StoredPhase = BoxPhase | 'destroying' | 'resuming' | 'pooling' | 'pooled';

/** One box as the host remembers it. Its environment is not among it. */
export interface BoxRow {
  /** Names what the box has on this machine: files, cgroup, container, link, spool. Never changes. */
  readonly place: string;
  /** What callers name the box by; the place while it is nobody's. */
  readonly id: string;
  readonly phase: StoredPhase;
  readonly isolation: Isolation;
  readonly slot: number;
  readonly size: BoxSize;
  /** What its writable directory lies on, top layer first. */
  readonly layers: readonly Layer[];
  /** The part of the environment that the image brings. */
  readonly imageEnvironment: Readonly<Record<string, string>>;
  /** Of one that is suspended: its processes stand still and are being ended. */
  readonly pid: number | undefined;
  /** Start time of `pid`, in clock ticks since boot: tells it from a later process with the same number. */
  readonly startTimeTicks: number | undefined;
  readonly netSlot: number | undefined;
  readonly ipv4: string | undefined;
  /** Id of the box whose network it shares, of a sidecar. */
  readonly networkOf: string | undefined;
  readonly cause: StopCause | undefined;
  readonly detail: string | undefined;
  readonly startedMs: number | undefined;
  readonly stoppedMs: number | undefined;
  /**
   * `keeping`: being written out, the box is `suspending`; `kept`: an image is there that belongs to the disk as it is; `waking`: its processes may have
   * gone on, so that the image must not be used again.
   */
  readonly memory: 'keeping' | 'kept' | 'waking' | undefined;
}

/** What a row says of the processes of a box that has none. */
export const noProcesses = { pid: undefined, startTimeTicks: undefined, netSlot: undefined, ipv4: undefined } as const;

interface StartingImage {
  readonly layers: BoxRow['layers'];
  readonly environment: BoxRow['imageEnvironment'];
}

/** A box that is accepted and has nothing on the machine yet. */
export const startingRow = (
  boxId: string,
  slot: number,
  { isolation, size, image }: Pick<BoxRow, 'isolation' | 'size'> & { readonly image: StartingImage },
  networkOf: string | undefined,
): BoxRow => ({
  ...noProcesses,
  place: boxId,
  id: boxId,
  phase: 'starting',
  isolation,
  slot,
  size,
  layers: image.layers,
  imageEnvironment: image.environment,
  networkOf,
  cause: undefined,
  detail: undefined,
  startedMs: undefined,
  stoppedMs: undefined,
  memory: undefined,
});

/** A box of the pool that nobody has (and, once somebody was to have it, nobody will). */
export const isNobodys = ({ id }: BoxRow): boolean => isPoolPlace(id);

/** A present box has processes, or is about to get them. */
export const isPresent = ({ phase }: BoxRow): boolean =>
  phase === 'starting' || phase === 'resuming' || phase === 'running' || phase === 'pooling' || phase === 'pooled';

/** What others see of a row. */
export function stateOf(row: BoxRow): BoxState {
  const cause = row.cause ?? (row.phase === 'destroying' ? 'destroyed' : undefined);
  return {
    id: row.id,
    phase: shown(row.phase),
    isolation: row.isolation,
    ...(row.ipv4 === undefined || row.phase === 'suspended' ? {} : { ipv4: row.ipv4 }),
    ...(row.networkOf === undefined ? {} : { networkOf: row.networkOf }),
    ...(row.phase === 'suspended' ? { hasMemory: row.memory === 'kept' } : {}),
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
    case 'pooling':
    case 'pooled':
      return 'starting';
    default:
      return phase;
  }
}
