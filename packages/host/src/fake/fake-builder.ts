import { setTimeout as delay } from 'node:timers/promises';
import {
  type BuildFailure,
  type BuildFigures,
  type BuildLogLine,
  type BuildSpec,
  type BuildState,
  HostError,
  type ImageBuilder,
  type ImageState,
} from '../contract/index.ts';
import { FakeBuild } from './fake-build.ts';

/** The builds of a FakeHost. Images have no bytes: boxes that start from one have its environment alone. */
export abstract class FakeBuilder implements ImageBuilder {
  readonly #builds = new Map<string, FakeBuild>();
  readonly #images = new Map<string, ImageState>();
  readonly #contexts = new Map<string, Uint8Array>();
  readonly #failures: Array<{ readonly failure: BuildFailure; readonly detail: string }> = [];
  #held = false;

  /** How long a build runs. */
  protected abstract readonly buildMs: number | undefined;
  /** Throws what a call is to fail with. */
  protected abstract enter(): void;
  protected abstract announce(state: BuildState): void;

  /** The next build that ends fails so. */
  failNextBuild(failure: BuildFailure, detail = 'failed by the test'): void {
    this.#failures.push({ failure, detail });
  }

  /** While true builds stay queued. */
  holdBuilds(held: boolean): void {
    this.#held = held;
    for (const build of held ? [] : this.#builds.values()) {
      void this.#run(build);
    }
  }

  /** Builds that have not ended fail as after the death of the host. */
  loseBuilds(): void {
    for (const build of this.#builds.values()) {
      build.fail('host_lost', 'the host ended while it built');
    }
  }

  /** What was uploaded for a build. */
  buildContext(buildId: string): Uint8Array | undefined {
    return this.#contexts.get(buildId);
  }

  /** The wish as it came, secrets included. */
  buildSpec(buildId: string): BuildSpec | undefined {
    return this.#builds.get(buildId)?.spec;
  }

  async startBuild(spec: BuildSpec): Promise<BuildState> {
    this.enter();
    const existing = this.#builds.get(spec.id);
    if (existing) {
      return existing.state;
    }
    if (spec.baseImageId !== undefined && !this.#images.has(spec.baseImageId)) {
      throw new HostError('imageUnavailable', `there is no image ${spec.baseImageId}`);
    }
    const build = new FakeBuild(spec, (change) => this.announce(change));
    this.#builds.set(spec.id, build);
    const { state } = build;
    void this.#run(build);
    return state;
  }

  async putBuildContext(buildId: string, body: AsyncIterable<Uint8Array>, signal?: AbortSignal): Promise<void> {
    this.enter();
    const chunks: Uint8Array[] = [];
    for await (const bytes of body) {
      if (signal?.aborted) {
        throw new HostError('cancelled', 'the upload was cancelled');
      }
      chunks.push(Uint8Array.from(bytes));
    }
    this.#contexts.set(buildId, Buffer.concat(chunks));
    const build = this.#builds.get(buildId);
    if (build) {
      void this.#run(build);
    }
  }

  async build(buildId: string): Promise<BuildState | undefined> {
    this.enter();
    return this.#builds.get(buildId)?.state;
  }

  async builds(): Promise<BuildState[]> {
    this.enter();
    return [...this.#builds.values()].map(({ state }) => state);
  }

  async cancelBuild(buildId: string): Promise<void> {
    this.enter();
    this.#builds.get(buildId)?.cancel();
  }

  async forgetBuild(buildId: string): Promise<void> {
    this.enter();
    if (this.#builds.get(buildId)?.ended) {
      this.#builds.delete(buildId);
      this.#contexts.delete(buildId);
    }
  }

  async *buildLog(
    buildId: string,
    { fromLine, follow }: { readonly fromLine: number; readonly follow: boolean },
    signal?: AbortSignal,
  ): AsyncGenerator<BuildLogLine> {
    this.enter();
    const build = this.#builds.get(buildId);
    if (!build) {
      throw new HostError('buildNotFound', `no build ${buildId}`);
    }
    yield* build.follow(fromLine, follow, signal);
  }

  async images(): Promise<ImageState[]> {
    this.enter();
    return [...this.#images.values()];
  }

  async removeImage(imageId: string): Promise<void> {
    this.enter();
    this.#images.delete(imageId);
  }

  async pruneBuildCache(): Promise<{ readonly freedBytes: number }> {
    this.enter();
    return { freedBytes: 0 };
  }

  protected get buildFigures(): BuildFigures {
    const all = [...this.#builds.values()].map(({ state }) => state.phase);
    return {
      usable: true,
      running: all.filter((phase) => phase === 'running').length,
      queued: all.filter((phase) => phase === 'queued').length,
      images: this.#images.size,
      storedBytes: [...this.#images.values()].reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    };
  }

  /** The image that a box is to start from. @throws HostError `imageUnavailable` */
  protected requireImage(imageId: string): ImageState {
    const image = this.#images.get(imageId);
    if (!image) {
      throw new HostError('imageUnavailable', `there is no image ${imageId}`);
    }
    return image;
  }

  async #run(build: FakeBuild): Promise<void> {
    const { id, context } = build.spec;
    if (this.#held || build.state.phase !== 'queued' || (context && !this.#contexts.has(id))) {
      return;
    }
    // The caller hears that it was accepted before it hears of anything else.
    await delay(0);
    build.start();
    await delay(this.buildMs ?? 0);
    const base = this.#images.get(build.spec.baseImageId ?? '');
    const image = build.ended ? undefined : build.finish(this.#failures.shift(), base);
    if (image) {
      this.#images.set(id, image);
    }
  }
}
