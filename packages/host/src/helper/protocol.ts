/**
 * Commands of the privileged helper (packages/host/helper, Rust): the system calls that Node lacks. One JSON object a line on its stdin,
 * one JSON object a line on its stdout: `{id, ok}` or `{id, error: {code, message, osError?}}`, in any order; and events `{event, …}` at any
 * time. It keeps nothing that the kernel does not: killed, it can be started again at once. Paths are absolute. End of stdin ends it.
 * A request is `{id, command, args}`: `id` a number or string that the reply repeats (null when the line could not be read), `command` a key of
 * `HelperCommands`; a line has at most 1 MiB.
 */
export interface HelperCommands {
  /** Version and what the kernel offers. */
  hello: {
    args: Record<never, never>;
    result: { version: string; idmap: boolean; cgroup: 'v1' | 'hybrid' | 'v2'; capabilities: string[] };
  };

  /** Turns on simple quotas (or full ones before Linux 6.7) on the btrfs volume. Idempotent. */
  quotaEnable: { args: { volume: string }; result: { mode: 'simple' | 'full' } };
  /**
   * New subvolume with a size limit and directories `upper` and `work` in it, owned by `ownerBase`. With `descendsFrom`, a snapshot, its files get other inode
   * numbers than those of the snapshot and of all that this descends from: only so may these be layers below. Idempotent.
   */
  subvolumeCreate: {
    args: { path: string; limitBytes: number; ownerBase: number; descendsFrom?: string };
    result: Record<never, never>;
  };
  /** Changes the size limit of a subvolume that is there. */
  subvolumeLimit: { args: { path: string; limitBytes: number }; result: Record<never, never> };
  /**
   * Keeps what the subvolume holds now as a read-only one at `snapshot` (its parent must be there), without copying. Idempotent: one that is there is left
   * as it is. `usedBytes` is what is counted against the source's limit, including what only snapshots of it still hold.
   */
  subvolumeSnapshot: { args: { path: string; snapshot: string }; result: { usedBytes: number } };
  /** Brings a subvolume back to what `subvolumeSnapshot` kept of it, without copying; the snapshot stays. Its limit has to be set anew. Idempotent. */
  subvolumeRestore: { args: { path: string; snapshot: string }; result: Record<never, never> };
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
      /** At the address of the name server: the one port of this machine that boxes may use. `everywhere`: it is led there from the machine's other addresses too. */
      door?: { port: number; everywhere: boolean; entrances: Array<{ address: string; port: number }> };
      /** Open even if private or on this machine. */
      registries: Array<{ address: string; port: number }>;
    };
    result: { nameserver: string };
  };
  /** Takes the table, interfaces and namespaces of this installation away. */
  networkTeardown: { args: { table: string; interfacePrefix: string; subnet: string }; result: Record<never, never> };

  /**
   * Starts one box: takes a network namespace, ID-maps the layers, mounts the overlay on `bundle`/rootfs in the helper's own mount namespace, fills the network
   * namespace path into `bundle`/config.json (the `path` of the `network` entry of linux.namespaces: `@NETNS@` or whatever is there), runs `runtime`
   * (argv with `run --detach … --pid-file`), and forgets the mount again (the box keeps it). On failure nothing is left: mounts, namespace, runtime state.
   * The runtime and with it the box's init get /dev/null as stdin, stdout and stderr: name a log in `runtime` (`--log <file>`, JSON or text), whose
   * errors become the message. With user namespaces every directory above `bundle`/rootfs must be searchable by all (0711). The network namespace belongs
   * to the host: root in the box cannot change it, has no raw sockets, and cannot mount sysfs (bind /sys instead). Does not watch: send `boxWatch` next.
   * The helper's death in the middle ends the runtime too; what it had made by then is in the box's cgroups and the runtime's state directory.
   */
  boxStart: {
    args: {
      boxId: string;
      bundle: string;
      /** Top layer first. */
      layers: { path: string; ownerBase: number }[];
      upper: string;
      work: string;
      /** Outer uid and gid of root in the box; 65,536 ids from there on. */
      ownerBase: number;
      runtime: string[];
      /** argv that removes the runtime's state by force (`runc --root … delete --force <id>`); run when the start fails or times out. */
      runtimeDelete: string[];
      pidFile: string;
      /** A file that the runtime reads late in the start: the kernel begins to read it (up to 256 MiB) at once. */
      readAhead?: string;
      timeoutMs: number;
    };
    result: { pid: number; startTimeTicks: number; netSlot: number; ipv4: string; gateway: string };
  };
  /**
   * Starts a box as `boxStart` does, in the network of another one, named by its init: no namespace is taken, and `boxKill` needs no `netSlot`. That network goes
   * with its own box; the other end is `badRequest` when it is gone.
   */
  boxJoin: {
    args: HelperCommands['boxStart']['args'] & { networkOf: { pid: number; startTimeTicks: number } };
    result: { pid: number; startTimeTicks: number };
  };
  /** Kills the whole box by its init process (checked by start time), waits for its end, removes the cgroups named. Idempotent. */
  boxKill: {
    args: {
      boxId: string;
      pid: number;
      startTimeTicks: number;
      cgroups: string[];
      netSlot?: number;
      timeoutMs: number;
    };
    result: { killed: boolean };
  };
  /**
   * Lets no process of the box run on, or lets all run again; answers when that is so. Idempotent. What cannot be frozen within 5 s is thawed again and answers
   * `timeout`; a box without any of its cgroups cannot be frozen (`badRequest`), and is thawed by nothing to do. The kernel keeps a frozen box frozen when
   * the helper dies: thaw it then. `boxKill` and `cgroupsRemove` end a frozen box as any other.
   */
  boxFreeze: { args: { boxId: string; cgroups: string[]; frozen: boolean }; result: Record<never, never> };
  /** Gives the box of this init its host name, which root inside may not set. Idempotent. */
  boxHostname: {
    args: { boxId: string; pid: number; startTimeTicks: number; hostname: string };
    result: Record<never, never>;
  };
  /**
   * Runs a command of the OCI runtime about a box that runs (pause, checkpoint, …) to its end, with nothing on its standard streams. Its `--log` file is emptied
   * before; the errors in it become the message (code `runtimeFailed`). Killed when the time is over and when the helper dies. With `call` the sandbox is asked
   * itself, and the command is run only where it cannot be.
   */
  runtimeRun: {
    args: { boxId: string; runtime: string[]; call?: RuntimeCall; timeoutMs: number };
    result: Record<never, never>;
  };
  /** Kills the commands of the OCI runtime that are under way for the box, its start included; these fail. Tells how many there were. */
  runtimeAbort: { args: { boxId: string }; result: { aborted: number } };
  /** Writes back all that the file system of `path` holds in memory: what was written before survives a power loss. */
  fileSystemSync: { args: { path: string }; result: Record<never, never> };
  /** Removes cgroup directories, killing what is in them. Idempotent. */
  cgroupsRemove: { args: { paths: string[] }; result: Record<never, never> };
  /** Watches the init process of a box; `exited` follows at once if it is gone already. Idempotent. */
  boxWatch: { args: { boxId: string; pid: number; startTimeTicks: number }; result: Record<never, never> };
}

/** What a command of runsc would ask of the sandbox of a box, over its control socket: without the start of a program. */
export interface RuntimeCall {
  /** The file in which runsc keeps the state of the box. */
  readonly state: string;
  readonly method: string;
  readonly argument: unknown;
  /**
   * Made anew, and given along in this order; what comes into them is being written to the disk meanwhile. `direct` ones are written past the page cache, which
   * counts as memory of the sandbox.
   */
  readonly files?: ReadonlyArray<{ readonly path: string; readonly direct?: boolean }>;
  /** What the state has to say before, and says afterwards. */
  readonly from?: string;
  readonly to?: string;
}

/** Why a command failed. `osError` of the reply is the errno's name (`ENOSPC`), where there is one. */
export type HelperErrorCode =
  | 'badRequest'
  | 'os'
  | 'runtimeFailed'
  | 'timeout'
  | 'networkNotReady'
  | 'slotsExhausted'
  | 'busy';

export type HelperEvent =
  | { event: 'exited'; boxId: string; pid: number; waitStatus: number | null }
  | { event: 'log'; level: 'info' | 'warn' | 'error'; message: string };
