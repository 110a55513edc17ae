/** What a host is told of a box, and what it reports: the nouns of the Host contract. */

/** Isolation grades (docs/ARCHITECTURE.md, Runtimes). `auto` is resolved by the host and never reported back. */
export type Isolation = 'container' | 'gvisor' | 'microvm';

/** Resources a box may use. Enforced by the host, shown inside the box. */
export interface BoxSize {
  /** CPU share and upper bound; may be fractional (0.5). */
  readonly cpus: number;
  readonly memoryBytes: number;
  /** Bound of the writable layer. */
  readonly diskBytes: number;
  /** Bound of processes and threads. */
  readonly processes: number;
}

/** Account inside the box that commands run as. Created when the image lacks it. */
export interface BoxUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

/** One read-only directory of a layer stack. */
export interface Layer {
  /** Absolute path on the host. */
  readonly path: string;
  /** User id outside that owns what root owns inside (0 for image layers). */
  readonly ownerBase: number;
}

/**
 * What a box starts from: the host's default image; an explicit stack, top layer first; an image that this host has built; or a snapshot of this host. A snapshot brings the stack and
 * environment of the box it was taken of. With `memory` the processes go on where they stood when the snapshot was taken (needs one that has memory,
 * and its grade of isolation, which is what `auto` means then): that is a fork. A fork has none of the source's executions; the processes behind them go on
 * unseen.
 */
export type BoxImage =
  | 'default'
  | { readonly layers: readonly Layer[]; readonly environment: Readonly<Record<string, string>> }
  | { readonly imageId: string }
  | { readonly snapshotId: string; readonly memory: boolean };

/** The wish for one box. `id` is the idempotency key: a host that has it answers with what it has. */
export interface BoxSpec {
  readonly id: string;
  readonly isolation: Isolation | 'auto';
  readonly image: BoxImage;
  readonly size: BoxSize;
  readonly user: BoxUser;
  readonly hostname: string;
  /** Base of every process's environment, secrets included. Never written to disk by the host. */
  readonly environment: Readonly<Record<string, string>>;
  /**
   * Id of a running box whose network this one shares, as a *sidecar*: what either listens on, the other reaches at `localhost`. Both are of the grade `container`. A sidecar
   * is suspended, stopped and destroyed before the box that it belongs to, and forgotten with it; nothing else of the two is shared.
   */
  readonly networkOf?: string;
}

/** Why a box stopped without being told to. */
export type StopCause =
  | 'destroyed'
  | 'out_of_memory'
  | 'out_of_disk'
  | 'guest_exited'
  | 'runtime_failed'
  | 'protocol_breach'
  | 'host_lost';

/**
 * What *is*: `starting` (durably accepted, or being resumed, not yet answering), `running` (guest configured and answering), `suspending` (on its way
 * to suspended, whatever happens to the host), `suspended` (no process is left; disk and, where asked for, memory kept), `stopped` (no process is
 * left; disk kept), `destroyed` (nothing is left but the spool).
 */
export type BoxPhase = 'starting' | 'running' | 'suspending' | 'suspended' | 'stopped' | 'destroyed';

export interface BoxState {
  readonly id: string;
  readonly phase: BoxPhase;
  readonly isolation: Isolation;
  /** Address of the box in its network, once it has one. */
  readonly ipv4?: string;
  /** Of a sidecar: the box whose network it shares. */
  readonly networkOf?: string;
  /** Only while `suspended`: a memory image is kept beside the disk. */
  readonly hasMemory?: boolean;
  readonly cause?: StopCause;
  /** For people: what exactly happened. */
  readonly detail?: string;
  readonly startedMs?: number;
  readonly stoppedMs?: number;
}

/** A kept state of a box: its disk as a read-only layer on its stack, and its memory where that was asked for. */
export interface SnapshotState {
  readonly id: string;
  /** Box it was taken of; that may be gone. */
  readonly boxId: string;
  readonly isolation: Isolation;
  readonly hasMemory: boolean;
  /** Bytes that the layer itself holds (as the box saw its disk use), and the memory image. */
  readonly diskBytes: number;
  readonly memoryBytes: number;
  readonly createdMs: number;
  /** How long no process of the box ran for it, in milliseconds; 0 for one that was suspended or stopped. */
  readonly pausedMs: number;
}

/** How the state of a box is to be kept. */
export interface SnapshotWish {
  /** Its processes too. */
  readonly memory: boolean;
  /** For what is started from it at once, and not for later: a power loss may take it away. */
  readonly brief?: boolean;
}

/** Boxes that wait started for whoever asks for their like. */
export interface PoolFigures {
  readonly ready: number;
  readonly hits: number;
  readonly misses: number;
  /** Age of the oldest waiting box, in milliseconds; 0 when none waits. */
  readonly oldestMs: number;
  readonly memoryBytes: number;
}

/** Live figures of one box. */
export interface BoxMetrics {
  readonly memoryUsedBytes: number;
  readonly cpuUsageUs: number;
  readonly processes: number;
  readonly diskUsedBytes: number;
}
