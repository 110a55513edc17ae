import { describe, expect, it } from 'vitest';
import { bundleConfig } from '../../src/runtimes/oci/bundle-config.ts';
import { OwnerRange } from '../../src/runtimes/oci/owner-range.ts';
import { seccompProfile } from '../../src/runtimes/oci/seccomp-profile.ts';

const wish = {
  hostname: 'devbox',
  size: { cpus: 1, memoryBytes: 2 ** 29, diskBytes: 2 ** 30, processes: 100 },
  slot: 3,
  ownerBase: 1_196_608,
  cgroupsPath: '/berth-x/box',
  files: { guestBinary: '/bin/guest', linkDirectory: '/run/link', meminfo: '/volume/box/meminfo' },
  machine: { cpus: [0, 1], swapAccounting: true },
  process: { openFiles: 20_000, oomScoreAdj: 0 },
  pace: 'limited' as const,
};

describe('the bundle of a box', () => {
  it('maps root to a range of its own', () => {
    const mapping = [{ containerID: 0, hostID: 1_196_608, size: 65_536 }];
    expect(bundleConfig(wish)).toMatchObject({ linux: { uidMappings: mapping, gidMappings: mapping } });
  });

  it('has ids that no other slot and no person of the machine has', () => {
    const owners = new OwnerRange(0x7000_0000, 16);
    expect(owners.baseOf(0)).toBe(0x7000_0000);
    expect(owners.baseOf(4) - owners.baseOf(3)).toBe(65_536);
    expect(new OwnerRange().baseOf(3)).toBe(1_196_608);
    for (const [first, boxes] of [
      [0, 1],
      [65_535, 1],
      [1_000_000, 0],
      [1_000_000, 65_536],
    ] as const) {
      expect(() => new OwnerRange(first, boxes)).toThrow(/no range of ids/);
    }
  });

  it('has every namespace of its own and takes the network of the host', () => {
    expect(bundleConfig(wish)).toMatchObject({
      linux: {
        namespaces: expect.toSatisfy((all: Array<{ type: string; path?: string }>) => {
          const types = all.map(({ type }) => type).sort();
          const paths = all.filter(({ path }) => path !== undefined);
          return (
            types.join() === 'cgroup,ipc,mount,network,pid,user,uts' &&
            paths[0]?.path === '@NETNS@' &&
            paths.length === 1
          );
        }),
      },
    });
  });

  it('asks for no more than this process has', () => {
    expect(bundleConfig({ ...wish, process: { openFiles: 512, oomScoreAdj: 700 } })).toMatchObject({
      process: {
        oomScoreAdj: 700,
        rlimits: expect.arrayContaining([{ type: 'RLIMIT_NOFILE', soft: 512, hard: 512 }]),
      },
    });
  });

  it('shows the box nothing that it can write to on the host, but its own meminfo', () => {
    const { mounts } = bundleConfig(wish) as { mounts: Array<{ type: string; source: string; options: string[] }> };
    const writable = mounts.filter(({ type, options }) => type === 'bind' && !options.includes('ro'));
    expect(writable.map(({ source }) => source)).toEqual(['/volume/box/meminfo']);
    expect(mounts.every(({ options }) => options.includes('nosuid'))).toBe(true);
  });

  it('grants no capability that reaches outside', () => {
    const { process } = bundleConfig(wish) as { process: { capabilities: Record<string, string[]> } };
    const granted = new Set(Object.values(process.capabilities).flat());
    for (const name of ['SYS_ADMIN', 'NET_ADMIN', 'NET_RAW', 'SYS_PTRACE', 'SYS_MODULE', 'SYS_RAWIO', 'MKNOD', 'BPF']) {
      expect(granted.has(`CAP_${name}`), name).toBe(false);
    }
    expect(process.capabilities).not.toHaveProperty('ambient');
  });

  it('holds no environment of the box', () => {
    const { process } = bundleConfig(wish) as { process: { env: string[] } };
    expect(process.env).toEqual([expect.stringMatching(/^PATH=/)]);
  });
});

describe('the seccomp profile', () => {
  const { syscalls, defaultAction, defaultErrnoRet } = seccompProfile();
  const allowed = new Set(
    syscalls.filter(({ action, args }) => action === 'SCMP_ACT_ALLOW' && !args).flatMap(({ names }) => names),
  );

  it('refuses what it does not know, as if the kernel did not have it', () => {
    expect([defaultAction, defaultErrnoRet]).toEqual(['SCMP_ACT_ERRNO', 38]);
    expect(allowed.has('clone3')).toBe(false);
  });

  it.each([
    'mount umount2 pivot_root open_tree move_mount fsopen setns',
    'add_key keyctl request_key bpf perf_event_open userfaultfd io_uring_setup',
    'kexec_load init_module finit_module reboot swapon settimeofday',
    'clone unshare socket personality',
  ])('does not allow without condition: %s', (names) => {
    expect(names.split(' ').filter((name) => allowed.has(name))).toEqual([]);
  });

  it('allows what programs live on', () => {
    const needed = 'read write openat execve wait4 futex epoll_wait ptrace setuid chown memfd_create pidfd_open vfork';
    expect(needed.split(' ').filter((name) => !allowed.has(name))).toEqual([]);
  });

  it('allows and refuses no call at once', () => {
    const refused = syscalls.filter(({ action, args }) => action === 'SCMP_ACT_ERRNO' && !args);
    expect(refused.flatMap(({ names }) => names).filter((name) => allowed.has(name))).toEqual([]);
  });

  it('allows new processes, not new namespaces', () => {
    const clone = syscalls.find(({ names }) => names.includes('clone'));
    const newNamespaces = [0x2_0000, 0x200_0000, 0x400_0000, 0x800_0000, 0x1000_0000, 0x2000_0000, 0x4000_0000];
    const mask = clone?.args?.[0]?.value ?? 0;
    expect(newNamespaces.every((flag) => (flag & mask) !== 0)).toBe(true);
    expect(mask & 0x11).toBe(0);
  });
});
