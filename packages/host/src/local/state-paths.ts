import { join } from 'node:path';

/** Longest path of a Unix socket, without its closing NUL. */
const MAX_SOCKET_PATH = 107;

/** Where a host keeps what, below its state directory. */
export class StatePaths {
  readonly state: string;
  readonly volumeImage: string;
  readonly volume: string;
  readonly subvolumes: string;
  /** Only for root. */
  readonly host: string;
  readonly database: string;
  readonly spool: string;
  readonly run: string;
  readonly links: string;
  /** Searchable by all: root in a box is nobody out here and walks through it to its root file system. */
  readonly bundles: string;
  /** State of the OCI runtimes, one directory a runtime. */
  readonly runcRoot: string;
  readonly runscRoot: string;
  readonly socket: string;
  readonly lock: string;
  /** What the host found it can do, for others to read. */
  readonly isolations: string;

  constructor(state: string) {
    this.state = state;
    this.volumeImage = join(state, 'volume.img');
    this.volume = join(state, 'volume');
    this.subvolumes = join(this.volume, 'boxes');
    this.host = join(state, 'host');
    this.database = join(this.host, 'host.sqlite');
    this.spool = join(this.host, 'spool');
    this.run = join(state, 'run');
    this.links = join(this.run, 'boxes');
    this.bundles = join(this.run, 'bundles');
    this.runcRoot = join(this.run, 'runc');
    this.runscRoot = join(this.run, 'runsc');
    this.socket = join(this.run, 'host.sock');
    this.lock = join(this.run, 'host.lock');
    this.isolations = join(this.run, 'isolations.json');
  }

  /** Where runtimes keep their state, configured ones or not: boxes outlive a configuration. */
  get runtimeRoots(): readonly string[] {
    return [this.runcRoot, this.runscRoot];
  }

  subvolume(boxId: string): string {
    return join(this.subvolumes, boxId);
  }

  meminfo(boxId: string): string {
    return join(this.subvolumes, boxId, 'meminfo');
  }

  bundle(boxId: string): string {
    return join(this.bundles, boxId);
  }

  link(boxId: string): string {
    return join(this.links, boxId);
  }

  linkSocket(boxId: string): string {
    return join(this.links, boxId, 'host.sock');
  }

  /** @throws Error when the kernel could not bind a socket for ids of usual length. */
  checkLengths(): void {
    const bytes = Buffer.byteLength(this.linkSocket('x'.repeat(25)));
    if (bytes > MAX_SOCKET_PATH) {
      throw new Error(
        `BERTH_STATE is too long (${this.state}): socket paths below it would have ${bytes} bytes, ${MAX_SOCKET_PATH} are possible`,
      );
    }
  }
}
