import type { BoxUser, Layer } from './box.ts';

/** Bounds of one build. Nothing of it may take more; each has its own reason of failure. */
export interface BuildLimits {
  /** From `running` on; the wait in the queue does not count. */
  readonly timeoutMs: number;
  readonly cpus: number;
  readonly memoryBytes: number;
  /** All that the build writes: context, layers, temporary files. What it finds in the cache does not count. */
  readonly diskBytes: number;
  readonly processes: number;
}

/** What is done on top of the Dockerfile's last stage, in order. Each is a layer of its own and cached like a Dockerfile's step. */
export type BuildStep =
  /** A file, parents made. Owned by the box user below its home, by root elsewhere. */
  | { readonly kind: 'file'; readonly path: string; readonly content: string; readonly mode?: number }
  /**
   * One script of bash, in the box user's home (or `directory`), as the box user (who may `sudo`) unless another account is named. With `tree`, a directory of the upload
   * is at `/.berth/tree` meanwhile, read-only, whose content the cache does not look at: the script has to say what is in it. The upload is then a tar that holds these
   * directories as `trees/<tree>`, and as the file `context` the context itself, if there is one.
   */
  | {
      readonly kind: 'run';
      readonly command: string;
      readonly user?: string;
      readonly directory?: string;
      readonly tree?: string;
    };

/** The wish for one image. `id` is the idempotency key, and the id of the image. */
export interface BuildSpec {
  readonly id: string;
  /**
   * Starts with a FROM of its own. When left out, the image of `baseImageId` or else the host's default one is the base. With both, the name `berth:base` in a
   * FROM means the image of `baseImageId`. The pseudo-registry names of Runloop mean the default image.
   */
  readonly dockerfile?: string;
  /** Last stage to build; the last one of the Dockerfile when left out. */
  readonly target?: string;
  /** An image of this host. */
  readonly baseImageId?: string;
  /** A context was or will be uploaded with `putBuildContext`: the build waits (queued) until it is there. An empty one when false. */
  readonly context: boolean;
  /** For ARG. They stand in the image's history: no secrets. */
  readonly arguments: Readonly<Record<string, string>>;
  /**
   * Environment of every RUN and every step of this build, and of no other's; also `RUN --mount=type=secret,id=NAME`. Held in memory alone, masked in the log. Layers
   * made with secrets are found in the cache only by builds of the same scope with the same secrets.
   */
  readonly secrets: Readonly<Record<string, string>>;
  readonly steps: readonly BuildStep[];
  /** Made in the image, with a home and passwordless sudo, unless it is there. */
  readonly user: BoxUser;
  /** Builds of one scope (an account) find each other's layers in the cache; those of the host's own bases are everybody's. */
  readonly cacheScope: string;
  readonly limits: BuildLimits;
  /** Name of a network policy: kept with the build, not enforced yet. */
  readonly networkPolicy?: string;
}

/** `queued`: waits for its context, or for its turn. The last three are final. */
export type BuildPhase = 'queued' | 'running' | 'complete' | 'failed' | 'cancelled';

/** Why a build failed. `build_failed`: a step of it; `host_lost`: the host ended under it; `context_invalid`: what was uploaded is no archive or is out of bounds. */
export type BuildFailure =
  | 'build_failed'
  | 'out_of_memory'
  | 'out_of_disk'
  | 'timed_out'
  | 'base_unavailable'
  | 'context_invalid'
  | 'host_lost'
  | 'internal';

/** An image of this host: what a box may start from by `{ imageId }`. */
export interface ImageState {
  readonly id: string;
  /** Top layer first. */
  readonly layers: readonly Layer[];
  /** ENV: base of the environment of every process of its boxes. */
  readonly environment: Readonly<Record<string, string>>;
  readonly workdir: string;
  /** ENTRYPOINT and CMD, one behind the other; boxes do not run it. */
  readonly command: readonly string[];
  /** USER as it stands in the Dockerfile; empty for root. Boxes run as their own user all the same. */
  readonly user: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Of all its layers, those that it shares with others too. */
  readonly sizeBytes: number;
  /** Says in words that a base was made on this machine in place of the one of a registry; left out where none was. */
  readonly standIn?: string;
  readonly createdMs: number;
}

export interface BuildState {
  readonly id: string;
  readonly phase: BuildPhase;
  /** With `failed`. */
  readonly failure?: BuildFailure;
  /** With `failed`, for people. */
  readonly detail?: string;
  /** With `complete`. It may have been removed since. */
  readonly image?: ImageState;
  readonly createdMs: number;
  readonly startedMs?: number;
  readonly endedMs?: number;
  /** Lines of its log so far. */
  readonly logLines: number;
}

/** One line of a build's log. */
export interface BuildLogLine {
  /** Counts from 0: `index + 1` is the cursor to go on from. */
  readonly index: number;
  readonly timestampMs: number;
  readonly level: 'info' | 'warn' | 'error';
  readonly message: string;
}

/** Whether this machine can build, and what it has. */
export interface BuildFigures {
  readonly usable: boolean;
  /** Why not. */
  readonly reason?: string;
  readonly running: number;
  readonly queued: number;
  readonly images: number;
  /** On disk: layers of images and of the cache, each counted once. */
  readonly storedBytes: number;
}

/** Makes images. Part of a Host; every call is safe to repeat, and idempotent by build id. */
export interface ImageBuilder {
  /**
   * Accepts the build, or tells what the one with this id is; durable when it resolves, but for the secrets: a build whose host ends before it has begun or ended is
   * `failed` with `host_lost`. Builds of one scope wait for each other's fair share. @throws HostError `imageUnavailable` (base image), `buildsUnavailable`
   */
  startBuild(spec: BuildSpec): Promise<BuildState>;
  /**
   * Takes the context (a tar, or one compressed with gzip) of a build, before or after its start; once. Whole or not at all. What it holds is looked at by the build.
   * One that no build asks for is dropped after an hour. @throws HostError `tooLarge`, `cancelled`
   */
  putBuildContext(buildId: string, body: AsyncIterable<Uint8Array>, signal?: AbortSignal): Promise<void>;
  build(buildId: string): Promise<BuildState | undefined>;
  builds(): Promise<BuildState[]>;
  /** Ends a queued or running build; one that has ended is left as it is. Resolves when nothing of it runs. Succeeds for ids never seen. */
  cancelBuild(buildId: string): Promise<void>;
  /** Deletes the record and log of a build that has ended; its image stays. Succeeds twice, and for ids never seen. */
  forgetBuild(buildId: string): Promise<void>;
  /**
   * Lines from `fromLine` on; with `follow` those to come too, until the build has ended. The log is bounded: where lines are left out, one says so.
   * @throws HostError `buildNotFound`
   */
  buildLog(
    buildId: string,
    options: { readonly fromLine: number; readonly follow: boolean },
    signal?: AbortSignal,
  ): AsyncIterable<BuildLogLine>;
  images(): Promise<ImageState[]>;
  /**
   * No box and no build can start from it any more. Boxes, snapshots and images that stand on its layers keep those; the rest stays in the cache until that is pruned.
   * Succeeds twice, and for ids never seen.
   */
  removeImage(imageId: string): Promise<void>;
  /** Removes layers that no image, box or snapshot stands on, least recently used first, until all layers take at most `keepBytes`. Done by the host itself too. */
  pruneBuildCache(options: { readonly keepBytes: number }): Promise<{ readonly freedBytes: number }>;
}
