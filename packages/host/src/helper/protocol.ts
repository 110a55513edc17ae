/**
 * Commands of the privileged helper (packages/host/helper, Rust): the system calls that Node lacks. One JSON object a line on its stdin,
 * one JSON object a line on its stdout: `{id, ok}` or `{id, error: {code, message, osError?}}`, in any order; and events `{event, …}` at any
 * time. It keeps nothing that the kernel does not: killed, it can be started again at once. Paths are absolute. End of stdin ends it.
 */
export interface HelperCommands {
  /** Version and what the kernel offers. */
  hello: {
    args: Record<never, never>;
    result: { version: string; idmap: boolean; cgroup: 'v1' | 'hybrid' | 'v2'; capabilities: string[] };
  };

  /** Turns on simple quotas (or full ones before Linux 6.7) on the btrfs volume. Idempotent. */
  quotaEnable: { args: { volume: string }; result: { mode: 'simple' | 'full' } };
  /** New subvolume with a size limit and directories `upper` and `work` in it, owned by `ownerBase`. Idempotent. */
  subvolumeCreate: { args: { path: string; limitBytes: number; ownerBase: number }; result: Record<never, never> };
  /** Idempotent: an absent one is a success. */
  subvolumeDelete: { args: { path: string }; result: Record<never, never> };
  subvolumeUsage: { args: { path: string }; result: { usedBytes: number; limitBytes: number } };

  /**
   * Prepares forwarding, the nftables table `table` (default deny towards host, other boxes, private ranges, metadata; open to the rest; masquerade)
   * and the DNS redirect, then keeps `ready` network namespaces pre-made. Slots in `inUse` are taken by running boxes. Idempotent, callable again.
   */
  networkSetup: {
    args: {
      table: string;
      interfacePrefix: string;
      subnet: string;
      ready: number;
      inUse: number[];
      nameservers: string[];
    };
    result: { nameserver: string };
  };
  /** Takes the table, interfaces and namespaces of this installation away. */
  networkTeardown: { args: { table: string; interfacePrefix: string }; result: Record<never, never> };

  /**
   * Starts one box: takes a network namespace, ID-maps the layers, mounts the overlay on `bundle`/rootfs in the helper's own mount namespace, fills the network
   * namespace path into `bundle`/config.json (the string `@NETNS@`), runs `runtime` (argv with `run --detach … --pid-file`), and forgets the mount again (the box keeps it).
   */
  boxStart: {
    args: {
      boxId: string;
      bundle: string;
      layers: { path: string; ownerBase: number }[];
      upper: string;
      work: string;
      /** Outer uid and gid of root in the box; 65,536 ids from there on. */
      ownerBase: number;
      runtime: string[];
      pidFile: string;
      timeoutMs: number;
    };
    result: { pid: number; startTimeTicks: number; netSlot: number; ipv4: string; gateway: string };
  };
  /** Kills the whole box by its init process (checked by start time), waits for its end, removes the cgroups named. Idempotent. */
  boxKill: {
    args: { boxId: string; pid: number; startTimeTicks: number; cgroups: string[]; netSlot: number; timeoutMs: number };
    result: { killed: boolean };
  };
  /** Removes cgroup directories, killing what is in them. Idempotent. */
  cgroupsRemove: { args: { paths: string[] }; result: Record<never, never> };
  /** Watches the init process of a box; `exited` follows at once if it is gone already. Idempotent. */
  boxWatch: { args: { boxId: string; pid: number; startTimeTicks: number }; result: Record<never, never> };
}

export type HelperEvent =
  | { event: 'exited'; boxId: string; pid: number; waitStatus: number | null }
  | { event: 'log'; level: 'info' | 'warn' | 'error'; message: string };
