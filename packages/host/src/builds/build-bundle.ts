import type { BuildLimits } from '../contract/index.ts';
import { idMappingOf, ownNamespaces } from '../runtimes/oci/bundle-config.ts';
import type { ProcessLimits } from '../runtimes/oci/machine-limits.ts';
import { bind, type Mount, noDevices } from '../runtimes/oci/mounts.ts';
import { boxResources, type MachineLimits } from '../runtimes/oci/resources.ts';
import { nestingSeccompProfile, type SeccompProfile } from '../runtimes/oci/seccomp-profile.ts';

export interface BuildBundleWish {
  readonly limits: BuildLimits;
  readonly slot: number;
  /** Outer id of root. */
  readonly ownerBase: number;
  readonly cgroupsPath: string;
  readonly machine: MachineLimits;
  readonly process: ProcessLimits;
  /** Directories of the host. */
  readonly etc: string;
  readonly plan: string;
  readonly pipes: string;
  readonly work: string;
  /** Read-only stores by the short names they are mounted under. */
  readonly stores: ReadonlyMap<string, string>;
  /** Where its context will be, if it has one. */
  readonly given: string;
  /** Whether it is started before there is anything to build. */
  readonly isReady: boolean;
}

/** Where the stores are inside: overlay names each layer by its path, and all of them have to fit into one page. */
export const STORES = '/s';

/**
 * Of the sandbox's root, so that buildah in it can mount overlays and start steps in namespaces of their own. All of it is within the sandbox's user namespace, and the
 * steps have less than boxes have.
 */
const capabilities = [
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_FOWNER',
  'CAP_FSETID',
  'CAP_KILL',
  'CAP_MKNOD',
  'CAP_NET_BIND_SERVICE',
  'CAP_SETFCAP',
  'CAP_SETGID',
  'CAP_SETPCAP',
  'CAP_SETUID',
  'CAP_SYS_ADMIN',
  'CAP_SYS_CHROOT',
  'CAP_SYS_PTRACE',
];

let profile: SeccompProfile | undefined;

/**
 * The OCI configuration of a build's sandbox: the programs of this machine (`/usr`, read-only, without /usr/local), the stores that it may find layers in, and one
 * writable directory with a quota.
 */
export function buildBundle(wish: BuildBundleWish): object {
  profile ??= nestingSeccompProfile();
  const mapping = idMappingOf(wish.ownerBase);
  const readOnly = ['ro', 'nosuid', 'nodev'];
  const tmpfs = (destination: string, options: readonly string[]): Mount => ({
    destination,
    type: 'tmpfs',
    source: 'tmpfs',
    options: ['nosuid', 'nodev', ...options],
  });
  const mounts: Mount[] = [
    { destination: '/proc', type: 'proc', source: 'proc', options: noDevices },
    { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'strictatime', 'mode=755', 'size=64k'] },
    {
      destination: '/dev/pts',
      type: 'devpts',
      source: 'devpts',
      options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'],
    },
    tmpfs('/dev/shm', ['noexec', 'mode=1777', 'size=64m']),
    { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: noDevices },
    tmpfs('/sys', ['noexec', 'ro', 'mode=755', 'size=64k']),
    { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: [...noDevices, 'relatime', 'ro'] },
    tmpfs('/run', ['mode=755', `size=${Math.floor(wish.limits.memoryBytes / 4)}`]),
    bind('/usr', '/usr', readOnly),
    tmpfs('/usr/local', ['ro', 'mode=755', 'size=4k']),
    bind('/etc', wish.etc, readOnly),
    bind('/etc/ssl', '/etc/ssl', readOnly),
    bind('/berth/plan', wish.plan, readOnly),
    bind('/berth/pipes', wish.pipes, readOnly),
    bind('/berth/runtime', `${wish.plan}/runtime.sh`, readOnly),
    bind('/work', wish.work, ['rw', 'nosuid', 'nodev']),
    ...[...wish.stores].map(([name, path]) => bind(`${STORES}/${name}`, path, readOnly)),
    bind('/berth/given', wish.given, readOnly),
  ];
  return {
    ociVersion: '1.0.2',
    hostname: 'build',
    root: { path: 'rootfs', readonly: false },
    process: {
      terminal: false,
      user: { uid: 0, gid: 0 },
      cwd: '/',
      args: ['/bin/bash', '/berth/plan/build.sh', ...(wish.isReady ? ['ready'] : [])],
      env: ['PATH=/usr/sbin:/usr/bin:/sbin:/bin'],
      capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
      noNewPrivileges: false,
      rlimits: [
        { type: 'RLIMIT_NOFILE', soft: wish.process.openFiles, hard: wish.process.openFiles },
        { type: 'RLIMIT_CORE', soft: 0, hard: 0 },
      ],
      oomScoreAdj: Math.max(200, wish.process.oomScoreAdj),
    },
    mounts,
    linux: {
      namespaces: ownNamespaces,
      uidMappings: mapping,
      gidMappings: mapping,
      cgroupsPath: wish.cgroupsPath,
      resources: boxResources({ ...wish.limits }, wish.slot, wish.machine),
      seccomp: profile,
      // Nothing of /proc is covered: the kernel would refuse a new one to the steps, in which the usual parts are covered.
    },
  };
}
