/**
 * What root in a box may do, within its own user namespace. Docker's default set without
 * - NET_RAW: the network namespace belongs to the host, so it would have no effect; ping works through ICMP sockets,
 * - MKNOD: device nodes cannot be made in a user namespace,
 * - AUDIT_WRITE: auditing belongs to the machine.
 * NET_BIND_SERVICE has no effect either (same reason; low ports are opened by sysctl in the network namespace) but programs look for it.
 * Nothing here reaches outside: no SYS_ADMIN, NET_ADMIN, SYS_PTRACE, SYS_RESOURCE, SYS_MODULE, SYS_RAWIO, SYS_TIME, BPF.
 */
export const boxCapabilities: readonly string[] = [
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_FOWNER',
  'CAP_FSETID',
  'CAP_KILL',
  'CAP_NET_BIND_SERVICE',
  'CAP_SETFCAP',
  'CAP_SETGID',
  'CAP_SETPCAP',
  'CAP_SETUID',
  'CAP_SYS_CHROOT',
];
