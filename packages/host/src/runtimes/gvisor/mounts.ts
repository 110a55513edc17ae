import { type BoxMounts, bind, type Mount, noDevices } from '../oci/mounts.ts';

/**
 * /proc and /sys are runsc's own and show the box, so nothing is bound over them. The type `disk` is one that runsc does not know: it skips the
 * mount, and does not put a file system in memory on an empty /tmp as it would without an entry.
 */
export function sandboxMounts(files: BoxMounts): Mount[] {
  return [
    { destination: '/proc', type: 'proc', source: 'proc', options: noDevices },
    { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'strictatime', 'mode=755'] },
    { destination: '/dev/pts', type: 'devpts', source: 'devpts', options: ['nosuid', 'noexec', 'gid=5'] },
    {
      destination: '/dev/shm',
      type: 'tmpfs',
      source: 'shm',
      options: [...noDevices, 'mode=1777', `size=${files.sharedMemoryBytes}`],
    },
    { destination: '/sys', type: 'sysfs', source: 'sysfs', options: [...noDevices, 'ro'] },
    { destination: '/tmp', type: 'disk', source: 'none', options: ['nosuid'] },
    bind('/.berth/guest', files.guestBinary, ['ro', 'nosuid', 'nodev']),
    bind('/.berth/run', files.linkDirectory, ['ro', ...noDevices]),
  ];
}
