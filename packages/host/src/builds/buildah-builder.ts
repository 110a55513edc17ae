import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type BuildFigures,
  type BuildLogLine,
  type BuildSpec,
  type BuildState,
  HostError,
  type ImageState,
} from '../contract/index.ts';
import { BaseImages } from './base-images.ts';
import { type BuildEnd, BuildJob, type BuildTools } from './build-job.ts';
import { BuildLog, countLines } from './build-log.ts';
import type { BuildParts } from './build-parts.ts';
import { BuildQueue } from './build-queue.ts';
import { markOf } from './build-recipe.ts';
import { type BuildRow, buildStateOf, hasEnded, type ImageRow } from './build-rows.ts';
import { Collector } from './collector.ts';
import { Contexts } from './contexts.ts';
import { ImageImporter } from './image-importer.ts';
import { boxLayers } from './image-stacks.ts';
import type { LocalBuilder } from './local-builder.ts';
import { ReadySandbox } from './ready-sandbox.ts';

/** Longest line of a Dockerfile that buildah reads, with room for what is put around a command. */
const MAX_COMMAND_BYTES = 48 * 1024;

interface Live {
  readonly log: BuildLog;
  readonly secrets: Readonly<Record<string, string>>;
  job: BuildJob | undefined;
  readonly done: PromiseWithResolvers<void>;
}

/** Builds on this machine, with buildah in sandboxes. */
export class BuildahBuilder implements LocalBuilder {
  readonly #parts: BuildParts;
  readonly #tools: BuildTools;
  readonly #contexts: Contexts;
  readonly #queue: BuildQueue;
  readonly #live = new Map<string, Live>();
  /** Of builds that have ended otherwise. */
  readonly #cleaning = new Set<Promise<void>>();
  #key: Buffer = Buffer.alloc(0);
  #closed = false;

  constructor(parts: BuildParts) {
    const importer = new ImageImporter(parts);
    const collector = new Collector(parts, importer);
    this.#parts = parts;
    this.#tools = {
      parts,
      importer,
      bases: new BaseImages(parts, importer),
      collector,
      ready: new ReadySandbox(parts, collector),
    };
    this.#contexts = new Contexts(parts.paths.contexts, parts.settings.maxContextBytes);
    this.#queue = new BuildQueue(parts.settings.parallelBuilds, (id) => this.#run(id));
  }

  /** Takes up what an earlier life left: what was being built has failed, and nothing of it stays. */
  async recover(): Promise<void> {
    const { builds, helper, paths } = this.#parts;
    await mkdir(paths.buildLogs, { recursive: true, mode: 0o700 });
    this.#key = await readKey(join(paths.host, 'builds.key'));
    await this.#tools.importer.prepare();
    for (const name of await readdir(paths.builds)) {
      await helper.call('subvolumeDelete', { path: paths.build(name) });
    }
    await this.#contexts.clear();
    await rm(join(paths.run, 'bases'), { recursive: true, force: true });
    for (const row of builds.builds.all()) {
      if (!hasEnded(row)) {
        const detail = 'the host ended while it built';
        const logLines = await countLines(paths.buildLog(row.id));
        const end = { phase: 'failed', failure: 'host_lost', detail, endedMs: Date.now(), logLines } as const;
        builds.builds.put({ ...row, ...end });
      }
    }
    await this.#tools.collector.recover();
    for (const name of await readdir(paths.imageStores)) {
      if (builds.stores.get(name) === undefined) {
        await rm(paths.imageStore(name), { recursive: true, force: true });
      }
    }
    for (const name of await readdir(paths.buildLogs)) {
      if (builds.builds.get(name) === undefined) {
        await rm(paths.buildLog(name), { force: true });
      }
    }
  }

  async figures(): Promise<BuildFigures> {
    const rows = this.#parts.builds.builds.all();
    return {
      usable: true,
      running: rows.filter(({ phase }) => phase === 'running').length,
      queued: rows.filter(({ phase }) => phase === 'queued').length,
      images: this.#parts.builds.images.all().filter(({ phase }) => phase === 'ready').length,
      storedBytes: this.#tools.collector.storedBytes,
    };
  }

  async startBuild(spec: BuildSpec): Promise<BuildState> {
    const { builds, paths } = this.#parts;
    const existing = builds.builds.get(spec.id);
    if (existing !== undefined) {
      return this.#stateOf(existing);
    }
    if (this.#closed) {
      throw new HostError('hostUnavailable', 'the host is closing');
    }
    if (spec.baseImageId !== undefined) {
      builds.requireImage(spec.baseImageId);
    }
    if (spec.steps.some((step) => step.kind === 'run' && Buffer.byteLength(step.command) > MAX_COMMAND_BYTES)) {
      throw new HostError('tooLarge', `a command of a build has at most ${MAX_COMMAND_BYTES} bytes`);
    }
    const { secrets, ...kept } = spec;
    const log = new BuildLog(paths.buildLog(spec.id));
    this.#live.set(spec.id, { log, secrets, job: undefined, done: Promise.withResolvers() });
    const row = builds.builds.put({
      id: spec.id,
      phase: 'queued',
      spec: kept,
      failure: undefined,
      detail: undefined,
      image: null,
      createdMs: Date.now(),
      startedMs: undefined,
      endedMs: undefined,
      logLines: 0,
    });
    const state = this.#stateOf(row);
    this.#enqueue(row);
    return state;
  }

  async putBuildContext(buildId: string, body: AsyncIterable<Uint8Array>, signal?: AbortSignal): Promise<void> {
    const row = this.#parts.builds.builds.get(buildId);
    // Before the build is started, a later upload takes the place of an earlier one.
    if (row !== undefined && (this.#contexts.has(buildId) || row.phase !== 'queued')) {
      return;
    }
    await this.#contexts.put(buildId, body, signal);
    const now = this.#parts.builds.builds.get(buildId);
    if (now !== undefined) {
      this.#enqueue(now);
    }
  }

  async build(buildId: string): Promise<BuildState | undefined> {
    const row = this.#parts.builds.builds.get(buildId);
    return row && this.#stateOf(row);
  }

  async builds(): Promise<BuildState[]> {
    return this.#parts.builds.builds.all().map((row) => this.#stateOf(row));
  }

  async cancelBuild(buildId: string): Promise<void> {
    await this.#stop(buildId, { phase: 'cancelled' });
  }

  async forgetBuild(buildId: string): Promise<void> {
    const { builds, paths } = this.#parts;
    const row = builds.builds.get(buildId);
    if (row !== undefined && hasEnded(row)) {
      builds.builds.delete(buildId);
      await rm(paths.buildLog(buildId), { force: true });
    }
  }

  async *buildLog(
    buildId: string,
    { fromLine, follow }: { readonly fromLine: number; readonly follow: boolean },
    signal?: AbortSignal,
  ): AsyncGenerator<BuildLogLine> {
    const row = this.#parts.builds.builds.get(buildId);
    if (row === undefined) {
      throw new HostError('buildNotFound', `no build ${buildId}`);
    }
    const log = this.#live.get(buildId)?.log ?? new BuildLog(this.#parts.paths.buildLog(buildId), row.logLines);
    yield* log.read(fromLine, follow, signal);
  }

  async images(): Promise<ImageState[]> {
    return this.#parts.builds.images
      .all()
      .filter(({ phase }) => phase === 'ready')
      .map((image) => this.#imageStateOf(image));
  }

  async removeImage(imageId: string): Promise<void> {
    const { builds, ownerBase, paths, release, settings } = this.#parts;
    const image = builds.images.get(imageId);
    if (image?.phase !== 'ready') {
      return;
    }
    builds.images.delete(imageId);
    const top = image.layers[0];
    const shared = builds.images.all().some((other) => other.layers[0]?.layer === top?.layer);
    const [layer] = boxLayers(paths, image, ownerBase);
    if (layer !== undefined && !shared) {
      await release(layer.path);
    }
    await this.#tools.collector.prune(settings.cacheBytes);
  }

  async pruneBuildCache({ keepBytes }: { readonly keepBytes: number }): Promise<{ readonly freedBytes: number }> {
    await this.#tools.ready.drop();
    return this.#tools.collector.prune(keepBytes);
  }

  async close(): Promise<void> {
    this.#closed = true;
    const end: BuildEnd = { phase: 'failed', failure: 'host_lost', detail: 'the host was stopped while it built' };
    await Promise.all([...this.#live.keys()].map((id) => this.#stop(id, end)));
    await Promise.all(this.#cleaning);
    await this.#tools.ready.drop();
  }

  #enqueue(row: BuildRow): void {
    const isReady = row.phase === 'queued' && (!row.spec.context || this.#contexts.has(row.id));
    if (isReady && this.#live.has(row.id)) {
      this.#queue.add({ id: row.id, scope: row.spec.cacheScope });
    }
  }

  async #stop(buildId: string, end: BuildEnd): Promise<void> {
    const live = this.#live.get(buildId);
    if (live === undefined) {
      return;
    }
    this.#queue.remove(buildId);
    if (live.job === undefined) {
      await this.#ended(buildId, live, end);
    } else {
      live.job.stop(end);
      await live.done.promise;
    }
  }

  async #run(buildId: string): Promise<void> {
    const { builds } = this.#parts;
    const live = this.#live.get(buildId);
    const queued = builds.builds.get(buildId);
    if (live === undefined || queued?.phase !== 'queued') {
      return;
    }
    const row = this.#put({ ...queued, phase: 'running', startedMs: Date.now() });
    const { log, secrets } = live;
    const secretsMark = markOf(secrets, this.#key);
    const contextHash = row.spec.context ? this.#contexts.hashOf(buildId) : '';
    const job = new BuildJob(this.#tools, { row, secrets, secretsMark, contextHash, log });
    live.job = job;
    const end = await job.run();
    // Whoever waits for an image need not wait for the sandbox to go; whoever sees a build fail finds nothing of it left.
    if (end.phase !== 'complete') {
      await job.clean();
    }
    const after = this.#after(job, end.phase === 'complete');
    this.#cleaning.add(after);
    await this.#ended(buildId, live, end);
    await after;
    this.#cleaning.delete(after);
  }

  /** Nobody waits for this but the builds in line. */
  async #after(job: BuildJob, hasToClean: boolean): Promise<void> {
    const { collector, ready } = this.#tools;
    if (hasToClean) {
      await job.clean();
    }
    await collector.prune(this.#parts.settings.cacheBytes);
    const frame = this.#closed ? undefined : job.next();
    if (frame !== undefined) {
      ready.prepare(frame);
    }
  }

  async #ended(buildId: string, live: Live, end: BuildEnd): Promise<void> {
    await this.#contexts.drop(buildId);
    await live.log.close();
    const row = this.#parts.builds.builds.get(buildId);
    if (row !== undefined && !hasEnded(row)) {
      this.#put({
        ...row,
        phase: end.phase,
        ...(end.phase === 'failed' ? { failure: end.failure, detail: end.detail } : {}),
        image: end.phase === 'complete' ? this.#imageStateOf(end.image) : null,
        endedMs: Date.now(),
        logLines: live.log.lines,
      });
    }
    this.#live.delete(buildId);
    live.done.resolve();
  }

  #put(row: BuildRow): BuildRow {
    this.#parts.builds.builds.put(row);
    this.#parts.emit(this.#stateOf(row));
    return row;
  }

  #stateOf(row: BuildRow): BuildState {
    return { ...buildStateOf(row), logLines: this.#live.get(row.id)?.log.lines ?? row.logLines };
  }

  #imageStateOf(image: ImageRow): ImageState {
    const { command, environment, id, labels, sizeBytes, standIn, user, workdir, createdMs } = image;
    const layers = boxLayers(this.#parts.paths, image, this.#parts.ownerBase);
    const facts = { id, layers, environment, workdir, command, user, labels, sizeBytes, createdMs };
    return standIn === undefined ? facts : { ...facts, standIn };
  }
}

/** For hashes that nobody else can make. */
async function readKey(path: string): Promise<Buffer> {
  const existing = await readFile(path).catch(() => undefined);
  if (existing?.length === 32) {
    return existing;
  }
  const key = randomBytes(32);
  await writeFile(path, key, { mode: 0o600 });
  return key;
}
