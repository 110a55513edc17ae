import { readdir, statfs } from 'node:fs/promises';
import { totalmem } from 'node:os';
import type { LocalBuilder } from '../builds/local-builder.ts';
import type {
  BoxSpec,
  BoxState,
  BuildLogLine,
  BuildSpec,
  BuildState,
  Host,
  HostDescription,
  HostEvent,
  ImageState,
  SnapshotState,
  SnapshotWish,
} from '../contract/index.ts';
import type { EventHub } from '../events/event-hub.ts';
import { BoxCalls } from './box-calls.ts';
import { isolationWish } from './box-image.ts';
import type { BoxLifecycle } from './box-lifecycle.ts';
import { isNobodys, stateOf } from './box-row.ts';
import type { HostParts } from './host-parts.ts';
import { chooseIsolation } from './isolations.ts';
import { countLeaks } from './leak-counters.ts';
import type { WarmPool } from './pool/warm-pool.ts';
import { snapshotStateOf } from './snapshot-store.ts';

export interface LocalHostOptions {
  readonly parts: HostParts;
  readonly lifecycle: BoxLifecycle;
  readonly hub: EventHub;
  readonly isolations: HostDescription['isolations'];
  /** Left out where none is kept. */
  readonly pool: WarmPool | undefined;
  readonly builder: LocalBuilder;
  /** Lets go of database, helper and sockets. */
  readonly release: () => Promise<void>;
}

/** This machine as a {@link Host}. Made by `openLocalHost`. */
export class LocalHost extends BoxCalls implements Host {
  readonly #options: LocalHostOptions;

  constructor(options: LocalHostOptions) {
    super(options.parts);
    this.#options = options;
  }

  get stateDirectory(): string {
    return this.parts.paths.state;
  }

  async describe(): Promise<HostDescription> {
    const { bavail, bsize } = await statfs(this.parts.paths.volume);
    const { imageRootfs } = this.parts.configuration;
    return {
      isolations: this.#options.isolations,
      cpus: this.parts.machine.cpus.length,
      memoryBytes: totalmem(),
      diskFreeBytes: bavail * bsize,
      builds: await this.#options.builder.figures(),
      ...(imageRootfs === undefined ? {} : { defaultImage: imageRootfs }),
      leaks: { ...(await countLeaks(this.parts)), snapshots: await this.#countLostSnapshots() },
      ...(this.#options.pool === undefined ? {} : { pool: await this.#options.pool.figures() }),
    };
  }

  async create(spec: BoxSpec): Promise<BoxState> {
    const { isolations, lifecycle } = this.#options;
    const isolation =
      this.parts.store.get(spec.id)?.isolation ?? chooseIsolation(isolations, isolationWish(this.parts, spec));
    return lifecycle.create(spec, isolation);
  }

  async destroy(boxId: string): Promise<void> {
    await this.#options.lifecycle.destroy(boxId);
  }

  async suspend(boxId: string, { memory }: { readonly memory: boolean }): Promise<BoxState> {
    return this.#options.lifecycle.suspend(boxId, { memory });
  }

  async resume(spec: BoxSpec, options: { readonly memory: boolean }): Promise<BoxState> {
    return this.#options.lifecycle.resume(spec, options);
  }

  async snapshot(boxId: string, snapshotId: string, wish: SnapshotWish): Promise<SnapshotState> {
    return this.#options.lifecycle.snapshot(boxId, snapshotId, wish);
  }

  async deleteSnapshot(snapshotId: string): Promise<void> {
    await this.#options.lifecycle.deleteSnapshot(snapshotId);
  }

  async snapshots(): Promise<SnapshotState[]> {
    return this.parts.snapshotStore
      .all()
      .filter(({ phase }) => phase === 'ready')
      .map(snapshotStateOf);
  }

  async forget(boxId: string): Promise<void> {
    const { store, guests, spool } = this.parts;
    const row = store.get(boxId);
    if (row?.phase === 'destroyed') {
      const sidecars = store.all().filter(({ networkOf, phase }) => networkOf === boxId && phase === 'destroyed');
      for (const { place } of [...sidecars, row]) {
        await guests.close(place);
        await spool.forget(place);
        store.delete(place);
      }
    }
  }

  async inspect(boxId: string): Promise<BoxState | undefined> {
    const row = this.parts.store.get(boxId);
    return row && stateOf(row);
  }

  async list(): Promise<BoxState[]> {
    return this.parts.store
      .all()
      .filter((row) => !isNobodys(row))
      .map(stateOf);
  }

  startBuild(spec: BuildSpec): Promise<BuildState> {
    return this.#options.builder.startBuild(spec);
  }

  putBuildContext(buildId: string, body: AsyncIterable<Uint8Array>, signal?: AbortSignal): Promise<void> {
    return this.#options.builder.putBuildContext(buildId, body, signal);
  }

  build(buildId: string): Promise<BuildState | undefined> {
    return this.#options.builder.build(buildId);
  }

  builds(): Promise<BuildState[]> {
    return this.#options.builder.builds();
  }

  cancelBuild(buildId: string): Promise<void> {
    return this.#options.builder.cancelBuild(buildId);
  }

  forgetBuild(buildId: string): Promise<void> {
    return this.#options.builder.forgetBuild(buildId);
  }

  buildLog(
    buildId: string,
    options: { readonly fromLine: number; readonly follow: boolean },
    signal?: AbortSignal,
  ): AsyncIterable<BuildLogLine> {
    return this.#options.builder.buildLog(buildId, options, signal);
  }

  images(): Promise<ImageState[]> {
    return this.#options.builder.images();
  }

  removeImage(imageId: string): Promise<void> {
    return this.#options.builder.removeImage(imageId);
  }

  pruneBuildCache(options: { readonly keepBytes: number }): Promise<{ readonly freedBytes: number }> {
    return this.#options.builder.pruneBuildCache(options);
  }

  events(signal: AbortSignal): AsyncIterable<HostEvent> {
    return this.#options.hub.subscribe(signal);
  }

  /** Process id of the helper. */
  get helperPid(): number | undefined {
    return this.parts.helper.pid;
  }

  /** Process id of the init of the box in this place, somebody's or not. */
  pidAt(place: string): number | undefined {
    return this.parts.store.at(place)?.pid;
  }

  /** Process id of the box's init, while it has one. */
  initPid(boxId: string): number | undefined {
    const row = this.parts.store.get(boxId);
    return row?.phase === 'running' ? row.pid : undefined;
  }

  /** Directories of snapshots that no row knows, and snapshots that are kept for nothing. */
  async #countLostSnapshots(): Promise<number> {
    const names = await readdir(this.parts.paths.snapshots);
    const { snapshotStore } = this.parts;
    return names.filter((name) => !snapshotStore.get(name)).length + this.#options.lifecycle.snapshots.unneeded;
  }

  async close(): Promise<void> {
    await this.#options.pool?.close();
    await this.#options.builder.close();
    this.#options.hub.close();
    await this.#options.lifecycle.close();
    await this.#options.release();
  }
}
