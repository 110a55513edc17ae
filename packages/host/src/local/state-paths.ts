import { basename, dirname, join } from 'node:path';

/** Longest path of a Unix socket, without its closing NUL. */
const MAX_SOCKET_PATH = 107;

/** Begins the names of subvolumes among the memory images. */
export const SLEEPING_DISK = 'disk-';

/** Where a host keeps what, below its state directory. */
export class StatePaths {
  readonly state: string;
  readonly volumeImage: string;
  readonly volume: string;
  readonly subvolumes: string;
  readonly snapshots: string;
  /** Memory images of boxes and snapshots. On the volume, like the disks they belong to. */
  readonly memory: string;
  /** Subvolumes that builds write to, one each. */
  readonly builds: string;
  /** Contexts as they were uploaded. */
  readonly contexts: string;
  /** Subvolume with the layers of all built images: in one, so that no two files of them have the same inode number. */
  readonly images: string;
  /** Subvolume from which disks of boxes on built layers descend (helper, `import`). */
  readonly imageSeed: string;
  /** Only for root. */
  readonly host: string;
  readonly buildLogs: string;
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
  readonly buildsFinding: string;

  constructor(state: string) {
    this.state = state;
    this.volumeImage = join(state, 'volume.img');
    this.volume = join(state, 'volume');
    this.subvolumes = join(this.volume, 'boxes');
    this.snapshots = join(this.volume, 'snapshots');
    this.memory = join(this.volume, 'memory');
    this.builds = join(this.volume, 'builds');
    this.contexts = join(this.volume, 'contexts');
    this.images = join(this.volume, 'images');
    this.imageSeed = join(this.volume, 'image-seed');
    this.host = join(state, 'host');
    this.buildLogs = join(this.host, 'builds');
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
    this.buildsFinding = join(this.run, 'builds.json');
  }

  /** Where runtimes keep their state, configured ones or not: boxes outlive a configuration. */
  get runtimeRoots(): readonly string[] {
    return [this.runcRoot, this.runscRoot];
  }

  snapshot(snapshotId: string): string {
    return join(this.snapshots, snapshotId);
  }

  /** What of a snapshot is a layer. */
  snapshotLayer(snapshotId: string): string {
    return join(this.snapshots, snapshotId, 'upper');
  }

  /** The snapshot whose layer this is. */
  snapshotOf(layer: string): string | undefined {
    return dirname(dirname(layer)) === this.snapshots ? dirname(layer) : undefined;
  }

  build(buildId: string): string {
    return join(this.builds, buildId);
  }

  context(buildId: string): string {
    return join(this.contexts, buildId);
  }

  buildLog(buildId: string): string {
    return join(this.buildLogs, buildId);
  }

  /** Where built layers lie, one directory a build. */
  get imageStores(): string {
    return join(this.images, 'upper');
  }

  imageStore(storeId: string): string {
    return join(this.imageStores, storeId);
  }

  /** A layer of a store, as a box takes it. */
  imageLayer(storeId: string, layerId: string): string {
    return join(this.imageStore(storeId), 'overlay', layerId, 'diff');
  }

  /** The store in which this layer lies. */
  imageStoreOf(layer: string): string | undefined {
    const store = dirname(dirname(dirname(layer)));
    return dirname(store) === this.imageStores ? basename(store) : undefined;
  }

  boxMemory(place: string): string {
    return join(this.memory, `box-${place}`);
  }

  /** The disk of a box that wakes, as it was when its memory was taken. */
  sleepingDisk(place: string): string {
    return join(this.memory, `${SLEEPING_DISK}${place}`);
  }

  snapshotMemory(snapshotId: string): string {
    return join(this.memory, `snapshot-${snapshotId}`);
  }

  subvolume(place: string): string {
    return join(this.subvolumes, place);
  }

  meminfo(place: string): string {
    return join(this.subvolumes, place, 'meminfo');
  }

  bundle(place: string): string {
    return join(this.bundles, place);
  }

  link(place: string): string {
    return join(this.links, place);
  }

  linkSocket(place: string): string {
    return join(this.links, place, 'host.sock');
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
