import type { BoxSize } from '../../contract/index.ts';
import { boxCapabilities } from './capabilities.ts';
import type { Pace } from './cpu-limits.ts';
import type { ProcessLimits } from './machine-limits.ts';
import { type BoxMounts, boxMounts, maskedPaths, readonlyPaths } from './mounts.ts';
import { OWNER_COUNT } from './owner-range.ts';
import { boxResources, type MachineLimits } from './resources.ts';
import { type SeccompProfile, seccompProfile } from './seccomp-profile.ts';

export interface BundleWish {
  readonly hostname: string;
  readonly size: BoxSize;
  /** Spreads boxes over the machine's cores. */
  readonly slot: number;
  /** Outer id of root. */
  readonly ownerBase: number;
  readonly cgroupsPath: string;
  readonly files: Omit<BoxMounts, 'sharedMemoryBytes'>;
  readonly machine: MachineLimits;
  readonly process: ProcessLimits;
  readonly pace: Pace;
}

/** The ids of a box, as both grades map them: what a box of one grade has written, one of the other can take over. */
export const idMappingOf = (ownerBase: number) => [{ containerID: 0, hostID: ownerBase, size: OWNER_COUNT }];

/** Everything that a box, or a build, has of its own: no namespace of the machine is shared. The helper fills the network's in. */
export const ownNamespaces = [
  { type: 'pid' },
  { type: 'ipc' },
  { type: 'uts' },
  { type: 'mount' },
  { type: 'cgroup' },
  { type: 'user' },
  { type: 'network', path: '@NETNS@' },
] as const;

/** The guest as the box's first process. */
export function guestProcess(wish: BundleWish) {
  return {
    terminal: false,
    user: { uid: 0, gid: 0 },
    cwd: '/',
    args: ['/.berth/guest'],
    env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'],
    capabilities: { bounding: boxCapabilities, effective: boxCapabilities, permitted: boxCapabilities },
    // sudo is a setuid program; what it can gain ends at the user namespace.
    noNewPrivileges: false,
    rlimits: [
      { type: 'RLIMIT_NOFILE', soft: wish.process.openFiles, hard: wish.process.openFiles },
      { type: 'RLIMIT_CORE', soft: 0, hard: 0 },
    ],
    // Boxes go before the processes that look after them when the machine itself runs out of memory.
    oomScoreAdj: Math.max(100, wish.process.oomScoreAdj),
  };
}

let profile: SeccompProfile | undefined;

/** The OCI configuration of one box. Holds no secret: its environment reaches the guest over the link. */
export function bundleConfig(wish: BundleWish): object {
  profile ??= seccompProfile();
  const mapping = idMappingOf(wish.ownerBase);
  return {
    ociVersion: '1.0.2',
    hostname: wish.hostname,
    root: { path: 'rootfs', readonly: false },
    process: guestProcess(wish),
    mounts: boxMounts({ ...wish.files, sharedMemoryBytes: Math.floor(wish.size.memoryBytes / 2) }),
    linux: {
      namespaces: ownNamespaces,
      uidMappings: mapping,
      gidMappings: mapping,
      cgroupsPath: wish.cgroupsPath,
      resources: boxResources(wish.size, wish.slot, wish.machine, wish.pace),
      seccomp: profile,
      maskedPaths,
      readonlyPaths,
    },
  };
}
