/** Files of the host that a box sees. */
export interface BoxMounts {
  readonly guestBinary: string;
  /** Holds the socket that the guest dials; the box cannot write to the folder. */
  readonly linkDirectory: string;
  /** Lies in the box's own volume, so that what the box writes to it counts as its disk. */
  readonly meminfo: string;
  readonly sharedMemoryBytes: number;
}

export interface Mount {
  readonly destination: string;
  readonly type: string;
  readonly source: string;
  readonly options: readonly string[];
}

export const noDevices = ['nosuid', 'noexec', 'nodev'];

/**
 * A /sys of its own: the network namespace belongs to the host, so the kernel refuses a new sysfs, and the host's would show every interface of
 * the machine. What programs really look for is bound into it.
 */
const sysMounts: readonly Mount[] = [
  { destination: '/sys', type: 'tmpfs', source: 'tmpfs', options: [...noDevices, 'ro', 'mode=755', 'size=64k'] },
  bind('/sys/devices/system/cpu', '/sys/devices/system/cpu', ['ro', ...noDevices]),
  bind('/sys/devices/system/node', '/sys/devices/system/node', ['ro', ...noDevices]),
  { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: [...noDevices, 'relatime', 'ro'] },
];

export function boxMounts(files: BoxMounts): Mount[] {
  return [
    { destination: '/proc', type: 'proc', source: 'proc', options: noDevices },
    {
      destination: '/dev',
      type: 'tmpfs',
      source: 'tmpfs',
      options: ['nosuid', 'strictatime', 'mode=755', 'size=64k'],
    },
    {
      destination: '/dev/pts',
      type: 'devpts',
      source: 'devpts',
      options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'],
    },
    {
      destination: '/dev/shm',
      type: 'tmpfs',
      source: 'shm',
      options: [...noDevices, 'mode=1777', `size=${files.sharedMemoryBytes}`],
    },
    { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: noDevices },
    ...sysMounts,
    bind('/.berth/guest', files.guestBinary, ['ro', 'nosuid', 'nodev']),
    bind('/.berth/run', files.linkDirectory, ['ro', ...noDevices]),
    bind('/.berth/run/meminfo', files.meminfo, ['rw', ...noDevices]),
    bind('/proc/meminfo', files.meminfo, ['ro', ...noDevices]),
  ];
}

export function bind(destination: string, source: string, options: readonly string[]): Mount {
  return { destination, type: 'bind', source, options: ['bind', ...options] };
}

/** Hidden altogether: facts of the machine, and doors into its kernel. */
export const maskedPaths: readonly string[] = [
  '/proc/acpi',
  '/proc/asound',
  '/proc/interrupts',
  '/proc/kallsyms',
  '/proc/kcore',
  '/proc/keys',
  '/proc/key-users',
  '/proc/kpagecount',
  '/proc/kpageflags',
  '/proc/latency_stats',
  '/proc/modules',
  '/proc/sched_debug',
  '/proc/scsi',
  '/proc/timer_list',
  '/proc/timer_stats',
];

export const readonlyPaths: readonly string[] = [
  '/proc/bus',
  '/proc/fs',
  '/proc/irq',
  '/proc/sys',
  '/proc/sysrq-trigger',
];
