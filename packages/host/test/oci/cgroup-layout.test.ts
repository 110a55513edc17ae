import { describe, expect, it } from 'vitest';
import { cgroupDirectories, controllerDirectory, parseCgroupMounts } from '../../src/runtimes/oci/cgroup-layout.ts';

const line = (path: string, type: string, options: string) =>
  `40 30 0:35 / ${path} rw,nosuid shared:9 - ${type} ${type} ${options}`;
const v1 = [
  line('/sys/fs/cgroup/memory', 'cgroup', 'rw,memory'),
  line('/sys/fs/cgroup/cpu,cpuacct', 'cgroup', 'rw,cpu,cpuacct'),
  line('/sys/fs/cgroup/systemd', 'cgroup', 'rw,xattr,name=systemd,release_agent=/lib/agent'),
];
const unified = line('/sys/fs/cgroup/unified', 'cgroup2', 'rw,nsdelegate');
const other = '22 1 254:0 / / rw,relatime - ext4 /dev/vda rw';

describe('cgroup layout', () => {
  it('knows the pure version 2', () => {
    const layout = parseCgroupMounts([other, line('/sys/fs/cgroup', 'cgroup2', 'rw,nsdelegate')].join('\n'));
    expect(layout).toMatchObject({ version: 'v2', unified: '/sys/fs/cgroup' });
    expect(cgroupDirectories(layout, '/berth-x/box')).toEqual(['/sys/fs/cgroup/berth-x/box']);
    expect(controllerDirectory(layout, 'memory', '/berth-x/box')).toBe('/sys/fs/cgroup/berth-x/box');
  });

  it('knows version 1, with controllers that share a hierarchy', () => {
    const layout = parseCgroupMounts([other, ...v1].join('\n'));
    expect(layout.version).toBe('v1');
    expect(cgroupDirectories(layout, '/b/c')).toEqual([
      '/sys/fs/cgroup/memory/b/c',
      '/sys/fs/cgroup/cpu,cpuacct/b/c',
      '/sys/fs/cgroup/systemd/b/c',
    ]);
    expect(controllerDirectory(layout, 'cpuacct', '/b')).toBe('/sys/fs/cgroup/cpu,cpuacct/b');
    expect(controllerDirectory(layout, 'pids', '/b')).toBeUndefined();
  });

  it('knows the hybrid, and takes the first mount of a hierarchy', () => {
    const again = line('/mnt/memory', 'cgroup', 'rw,memory');
    const layout = parseCgroupMounts([...v1, unified, again].join('\n'));
    expect(layout.version).toBe('hybrid');
    expect(controllerDirectory(layout, 'memory', '/b')).toBe('/sys/fs/cgroup/memory/b');
    expect(cgroupDirectories(layout, '/b')).toContain('/sys/fs/cgroup/unified/b');
  });
});
