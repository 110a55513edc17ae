import rules from './seccomp-rules.json' with { type: 'json' };

const CLONE_NAMESPACES = 0x7e02_0000;
const CLONE_NEWTIME = 0x80;
const EPERM = 1;
const ENOSYS = 38;
const EAFNOSUPPORT = 97;
/** AF_NETLINK: the highest address family that boxes use (UNIX 1, INET 2, INET6 10, NETLINK 16); above lie PACKET, ALG, VSOCK, XDP. */
const LAST_FAMILY = 16;
/** PER_LINUX, PER_LINUX32, UNAME26 of both, ADDR_NO_RANDOMIZE (debuggers), and the query. */
const PERSONALITIES = [0, 8, 0x2_0000, 0x2_0008, 0x4_0000, 0xffff_ffff];

interface SyscallRule {
  readonly names: readonly string[];
  readonly action: 'SCMP_ACT_ALLOW' | 'SCMP_ACT_ERRNO';
  readonly errnoRet?: number;
  readonly args?: ReadonlyArray<{ index: number; value: number; valueTwo?: number; op: string }>;
}

export interface SeccompProfile {
  readonly defaultAction: 'SCMP_ACT_ERRNO';
  readonly defaultErrnoRet: number;
  readonly architectures: readonly string[];
  readonly syscalls: readonly SyscallRule[];
}

/** Only the machine's own: each further one costs 12 ms a start, and 32-bit system calls are the kernel's least tested ones. */
const architectures: Readonly<Record<string, readonly string[]>> = {
  x64: ['SCMP_ARCH_X86_64'],
  arm64: ['SCMP_ARCH_AARCH64'],
};

const words = (lines: readonly string[]) => lines.flatMap((line) => line.split(' '));

/**
 * An allow-list (seccomp-rules.json). What it does not know fails with ENOSYS, so that programs fall back to older calls (clone3 among them: its
 * flags lie in memory that a filter cannot read); what is refused on purpose fails with EPERM.
 */
export function seccompProfile(): SeccompProfile {
  return profileOf(
    [],
    [
      ['clone', CLONE_NAMESPACES],
      ['unshare', CLONE_NAMESPACES | CLONE_NEWTIME],
    ],
  );
}

/** Calls that wait for the disk. */
const SYNCING = ['fsync', 'fdatasync', 'sync', 'syncfs', 'sync_file_range'];

/**
 * The same with what a container runtime needs inside: namespaces, mounts, host names. For sandboxes that start containers of their own, and whose disk is nothing before
 * the host takes it over and makes it durable: there whoever wants to wait for the disk is told at once that it has been written.
 */
export function nestingSeccompProfile(): SeccompProfile {
  const { mounts, namespaces, ...denied } = rules.deny;
  const allowed = words([...mounts, ...namespaces, 'clone unshare sethostname setdomainname']);
  const profile = profileOf(
    allowed.filter((name) => !name.startsWith('quotactl')),
    [],
    Object.values(denied).flat(),
  );
  const syscalls = profile.syscalls.map((rule) => ({
    ...rule,
    names: rule.names.filter((name) => !SYNCING.includes(name)),
  }));
  return { ...profile, syscalls: [...syscalls, { names: SYNCING, action: 'SCMP_ACT_ERRNO', errnoRet: 0 }] };
}

function profileOf(
  allowed: readonly string[],
  withoutNamespaces: ReadonlyArray<readonly [string, number]>,
  denied: readonly string[] = Object.values(rules.deny).flat(),
): SeccompProfile {
  const allow = (name: string, op: string, value: number, valueTwo?: number): SyscallRule => ({
    names: [name],
    action: 'SCMP_ACT_ALLOW',
    args: [{ index: 0, value, op, ...(valueTwo === undefined ? {} : { valueTwo }) }],
  });
  return {
    defaultAction: 'SCMP_ACT_ERRNO',
    defaultErrnoRet: ENOSYS,
    architectures: architectures[process.arch] ?? [],
    syscalls: [
      { names: words(rules.allow), action: 'SCMP_ACT_ALLOW' },
      ...withoutNamespaces.map(([name, flags]) => allow(name, 'SCMP_CMP_MASKED_EQ', flags, 0)),
      ...(allowed.length === 0 ? [] : [{ names: allowed, action: 'SCMP_ACT_ALLOW' } as const]),
      allow('socket', 'SCMP_CMP_LE', LAST_FAMILY),
      {
        names: ['socket'],
        action: 'SCMP_ACT_ERRNO',
        errnoRet: EAFNOSUPPORT,
        args: [{ index: 0, value: LAST_FAMILY, op: 'SCMP_CMP_GT' }],
      },
      ...PERSONALITIES.map((value) => allow('personality', 'SCMP_CMP_EQ', value)),
      { names: words(denied).filter((name) => !allowed.includes(name)), action: 'SCMP_ACT_ERRNO', errnoRet: EPERM },
    ],
  };
}
