import { type BundleWish, guestProcess, idMappingOf } from '../oci/bundle-config.ts';
import { boxResources } from '../oci/resources.ts';
import { sandboxMounts } from './mounts.ts';

/** Threads on the machine for one process in the box, at most, and those of runsc itself. */
const THREADS_PER_PROCESS = 4;
const OWN_THREADS = 256;

/**
 * The OCI configuration of a box under runsc. The user namespace is that of the `container` grade: sandbox and gofer run inside it, so that files
 * have the same owners on disk whichever grade wrote them, and what breaks out of the sandbox's kernel is nobody too.
 */
export function sandboxConfig(wish: BundleWish): object {
  const { processes } = wish.size;
  const mapping = idMappingOf(wish.ownerBase);
  const guest = guestProcess(wish);
  const own = [...guest.capabilities.bounding, 'CAP_SYS_ADMIN'];
  return {
    ociVersion: '1.0.2',
    hostname: wish.hostname,
    root: { path: 'rootfs', readonly: false },
    // The box's own kernel counts its processes; the machine's counts the threads that carry them.
    // To give the box its host name, in its own kernel. What the guest starts does not get it.
    process: {
      ...guest,
      env: [...guest.env, 'BERTH_EMULATED=1'],
      capabilities: { bounding: own, effective: own, permitted: own },
      rlimits: [...guest.rlimits, { type: 'RLIMIT_NPROC', soft: processes, hard: processes }],
    },
    mounts: sandboxMounts({ ...wish.files, sharedMemoryBytes: Math.floor(wish.size.memoryBytes / 2) }),
    linux: {
      namespaces: [
        { type: 'pid' },
        { type: 'ipc' },
        { type: 'uts' },
        { type: 'mount' },
        { type: 'user' },
        { type: 'network', path: '@NETNS@' },
      ],
      uidMappings: mapping,
      gidMappings: mapping,
      cgroupsPath: wish.cgroupsPath,
      resources: {
        ...boxResources(wish.size, wish.slot, wish.machine, wish.pace),
        pids: { limit: processes * THREADS_PER_PROCESS + OWN_THREADS },
      },
    },
  };
}
