import { rm } from 'node:fs/promises';
import { type BuildFailure, HostError } from '../contract/index.ts';
import type { BaseImages } from './base-images.ts';
import { explainBuildEnd } from './build-failures.ts';
import type { BuildLog } from './build-log.ts';
import type { BuildParts } from './build-parts.ts';
import { finishMark } from './build-plan.ts';
import { recipeOf } from './build-recipe.ts';
import type { BuildRow, ImageRow } from './build-rows.ts';
import { BuildSandbox, type SandboxFrame } from './build-sandbox.ts';
import type { Collector } from './collector.ts';
import { baseNames, replaceBases } from './dockerfile.ts';
import { expandHeredocs, HeredocError } from './heredocs.ts';
import type { ImageImporter } from './image-importer.ts';
import { storesOf } from './image-stacks.ts';
import { masking } from './log-masking.ts';
import { LogReader, MAX_SPOKEN_BYTES } from './log-reader.ts';
import type { ReadySandbox } from './ready-sandbox.ts';

/** Stores that one build looks into, at most: each costs it a little. */
const MAX_VISIBLE_STORES = 48;

/** Earlier images of which a build is told. */
const MAX_FINISHED = 256;

/** The name of the image that a build is given as its base. */
const GIVEN_BASE = 'berth:base';

/** How one build ended. */
export type BuildEnd =
  | { readonly phase: 'complete'; readonly image: ImageRow }
  | { readonly phase: 'cancelled' }
  | { readonly phase: 'failed'; readonly failure: BuildFailure; readonly detail: string };

export interface BuildTools {
  readonly parts: BuildParts;
  readonly bases: BaseImages;
  readonly importer: ImageImporter;
  readonly collector: Collector;
  readonly ready: ReadySandbox;
}

export interface BuildJobWish {
  readonly row: BuildRow;
  readonly secrets: Readonly<Record<string, string>>;
  readonly secretsMark: string;
  /** Of the context that was uploaded; empty without. */
  readonly contextHash: string;
  readonly log: BuildLog;
}

/** A Dockerfile whose names are those of images that are here, as far as there are such. */
interface Resolved {
  readonly dockerfile: string;
  readonly standIns: readonly string[];
  /** Stores of those images. */
  readonly needed: readonly string[];
  /** The names that are left for registries, if every one of them is needed. */
  readonly names: readonly string[];
  /** Whether nothing is left that a registry would have to be asked for. */
  readonly isWhole: boolean;
}

/** Thrown to end a build from outside. */
class BuildAborted extends Error {
  readonly end: BuildEnd;

  constructor(end: BuildEnd) {
    super(end.phase);
    this.end = end;
  }
}

/** One build from its turn to its end. */
export class BuildJob {
  readonly #tools: BuildTools;
  readonly #wish: BuildJobWish;
  readonly #abort = new AbortController();
  #sandbox: BuildSandbox | undefined;
  /** Stores of its bases, once they are known. */
  #needed: readonly string[] | undefined;

  constructor(tools: BuildTools, wish: BuildJobWish) {
    this.#tools = tools;
    this.#wish = wish;
  }

  /** Ends it, for this reason; the first one counts. */
  stop(end: BuildEnd): void {
    if (!this.#abort.signal.aborted) {
      this.#abort.abort(new BuildAborted(end));
      this.#sandbox?.kill().catch((error: unknown) => this.#report(error, 'a sandbox could not be ended'));
    }
  }

  /** Runs it. Never rejects. What it has on the machine is the caller's to `clean`. */
  async run(): Promise<BuildEnd> {
    const { parts } = this.#tools;
    const { id, spec } = this.#wish.row;
    let end: BuildEnd;
    try {
      end = { phase: 'complete', image: await this.#build() };
    } catch (error) {
      end = this.#endOf(error);
    }
    if (end.phase === 'failed') {
      this.#wish.log.append('error', `the build failed (${end.failure}): ${end.detail}`);
    } else if (end.phase === 'cancelled') {
      this.#wish.log.append('warn', 'the build was cancelled');
    } else {
      this.#wish.log.append('info', `image ${id}: ${end.image.layers.length} layers, ${end.image.sizeBytes} bytes`);
    }
    parts.log.info({ buildId: id, scope: spec.cacheScope, ...end, image: undefined }, 'build ended');
    return end;
  }

  /** Nothing of it is left when this resolves but its log and, where it is complete, its image. Never rejects. */
  async clean(): Promise<void> {
    const { parts, collector } = this.#tools;
    const { id } = this.#wish.row;
    collector.release(id);
    await this.#sandbox?.remove().catch((error: unknown) => this.#report(error, 'a sandbox could not be removed'));
    await rm(parts.paths.context(id), { force: true });
  }

  /** What a sandbox is started with for a build like this one, after it; undefined when it did not get so far. */
  next(): SandboxFrame | undefined {
    return this.#needed && { limits: this.#wish.row.spec.limits, stores: this.#visible(this.#needed) };
  }

  async #build(): Promise<ImageRow> {
    const { parts, bases } = this.#tools;
    const { row, log, secretsMark, contextHash } = this.#wish;
    const { spec } = row;
    if (spec.networkPolicy !== undefined) {
      log.append('warn', `network policy ${spec.networkPolicy}: kept, but not enforced while an image is built`);
    }
    const { dockerfile, standIns, needed, names, isWhole } = await this.#resolve();
    this.#needed = needed;
    this.#abort.signal.throwIfAborted();
    const recipe = recipeOf({ spec, dockerfile, secretsMark, contextHash });
    const standIn = standIns.length === 0 ? undefined : standIns.join('; ');
    const same = parts.builds.images.all().find((image) => recipe !== '' && image.recipe === recipe);
    if (same !== undefined) {
      log.append('info', 'every step is in the cache: an earlier build had the same recipe');
      return parts.builds.images.putFirmly({ ...same, id: row.id, standIn, phase: 'ready', createdMs: Date.now() });
    }
    const stores = this.#visible(needed);
    this.#tools.collector.hold(row.id, stores);
    parts.builds.touch(stores);
    const pull = !isWhole && (await bases.canPull());
    const finish = await finishMark(spec, secretsMark);
    const finished = this.#finished(finish, stores);
    await this.#runSandbox({ stores, dockerfile, pull, names, finished });
    this.#abort.signal.throwIfAborted();
    return this.#tools.importer.take({
      buildId: row.id,
      work: this.#sandbox?.work ?? '',
      scope: spec.cacheScope,
      secretsMark,
      base: '',
      visible: this.#sandbox?.stores ?? stores,
      phase: 'ready',
      recipe,
      finish,
      finished,
      standIn,
    });
  }

  /** Every name that the Dockerfile builds upon, as what it stands for. */
  async #resolve(): Promise<Resolved> {
    const { bases, parts } = this.#tools;
    const { row, log } = this.#wish;
    const { spec } = row;
    const text = this.#text();
    const found = new Map<string, string>();
    const [standIns, needed]: [string[], string[]] = [[], []];
    const note = (name: string, image: ImageRow, standIn: string | undefined) => {
      found.set(name, image.contentId);
      needed.push(...storesOf(image));
      if (standIn !== undefined) {
        standIns.push(standIn);
      }
    };
    for (const name of baseNames(text, spec.arguments)) {
      if (name === GIVEN_BASE && spec.baseImageId !== undefined) {
        const image = parts.builds.requireImage(spec.baseImageId);
        note(name, image, image.standIn);
      } else {
        const base = await bases.find(name, log, this.#abort.signal).catch((error: unknown) => {
          this.#abort.signal.throwIfAborted();
          throw new BuildAborted({
            phase: 'failed',
            failure: 'base_unavailable',
            detail: error instanceof Error ? error.message : String(error),
          });
        });
        if (base !== undefined) {
          note(name, base.image, base.standIn);
        }
      }
    }
    const dockerfile = replaceBases(text, spec.arguments, (name) => found.get(name));
    const missing = baseNames(text, spec.arguments).filter((name) => !found.has(name) && name !== 'scratch');
    const isWhole = missing.length === 0 && !/^[^#]*--mount=\S*from=/m.test(text);
    const names = spec.target === undefined ? missing : [];
    return { dockerfile, standIns, needed, names, isWhole };
  }

  /** The Dockerfile without here-documents. */
  #text(): string {
    try {
      return expandHeredocs(this.#wish.row.spec.dockerfile ?? `FROM ${GIVEN_BASE}\n`);
    } catch (error) {
      if (error instanceof HeredocError) {
        throw new BuildAborted({ phase: 'failed', failure: 'build_failed', detail: `Dockerfile: ${error.message}` });
      }
      throw error;
    }
  }

  /** Images that earlier builds have finished in the same way, and whose layers this one holds. */
  #finished(finish: string, stores: readonly string[]): ImageRow[] {
    const held = new Set(stores);
    return this.#tools.parts.builds.images
      .all()
      .filter((image) => image.finish === finish && image.stage !== '' && storesOf(image).every((id) => held.has(id)))
      .slice(-MAX_FINISHED);
  }

  /** What it needs, then what it may find: everybody's, and its scope's with the same secrets; last used first. */
  #visible(needed: readonly string[]): string[] {
    const { spec } = this.#wish.row;
    const others = this.#tools.parts.builds.stores
      .all()
      .filter(
        ({ phase, scope, base, secretsMark }) =>
          phase === 'ready' && base === '' && scope === spec.cacheScope && secretsMark === this.#wish.secretsMark,
      )
      .sort((one, other) => other.usedMs - one.usedMs)
      .slice(0, MAX_VISIBLE_STORES);
    // A cached layer may stand on another store's.
    const all = new Set([...needed, ...others.flatMap(({ id }) => this.#standsOn(id))]);
    return [...all];
  }

  #standsOn(storeId: string): string[] {
    const { stores } = this.#tools.parts.builds;
    const found = new Set([storeId]);
    for (const id of found) {
      const parents = new Set(stores.get(id)?.layers.map(({ parent }) => parent));
      for (const other of stores.all()) {
        if (other.phase === 'ready' && other.layers.some((layer) => parents.has(layer.id))) {
          found.add(other.id);
        }
      }
    }
    return [...found];
  }

  async #runSandbox({
    stores,
    dockerfile,
    pull,
    names,
    finished,
  }: {
    readonly stores: readonly string[];
    readonly dockerfile: string;
    readonly pull: boolean;
    readonly names: readonly string[];
    readonly finished: readonly ImageRow[];
  }): Promise<void> {
    const { parts } = this.#tools;
    const { row, log, secrets } = this.#wish;
    const { limits, ...spec } = row.spec;
    const { pullTimeoutMs } = parts.settings;
    const context = spec.context ? parts.paths.context(row.id) : undefined;
    const known = new Map(finished.map(({ stage, contentId }) => [stage, contentId]));
    const job = { secrets, context, plan: { spec, dockerfile, pull, names, pullTimeoutMs, finished: known } };
    const reader = new LogReader(log, masking(secrets));
    const timer = setTimeout(() => {
      this.stop({ phase: 'failed', failure: 'timed_out', detail: `it ran for longer than ${limits.timeoutMs} ms` });
    }, limits.timeoutMs);
    try {
      const sandbox = await this.#openSandbox({ limits, stores });
      const end = await sandbox.run(job, (bytes) => {
        reader.write(bytes);
        if (reader.spokenBytes > MAX_SPOKEN_BYTES) {
          this.stop({
            phase: 'failed',
            failure: 'build_failed',
            detail: `it said more than ${MAX_SPOKEN_BYTES} bytes`,
          });
        }
      });
      reader.end();
      this.#abort.signal.throwIfAborted();
      if (!end.complete) {
        throw new BuildAborted({
          phase: 'failed',
          ...explainBuildEnd(end, limits, reader.tail, pull || names.length === 0),
        });
      }
    } finally {
      clearTimeout(timer);
    }
  }

  /** One that waits for such a build, or a new one. */
  async #openSandbox(frame: SandboxFrame): Promise<BuildSandbox> {
    const { parts, ready } = this.#tools;
    let sandbox = await ready.take(frame);
    if (sandbox === undefined) {
      sandbox = new BuildSandbox(parts, this.#wish.row.id, frame);
      this.#sandbox = sandbox;
      await sandbox.start(false);
    }
    this.#sandbox = sandbox;
    this.#abort.signal.throwIfAborted();
    return sandbox;
  }

  #endOf(error: unknown): BuildEnd {
    const reason = this.#abort.signal.aborted ? this.#abort.signal.reason : error;
    if (reason instanceof BuildAborted) {
      return reason.end;
    }
    const detail = error instanceof Error ? error.message : String(error);
    if (error instanceof HostError && error.code === 'imageUnavailable') {
      return { phase: 'failed', failure: 'base_unavailable', detail };
    }
    if (/^more than \d+ files/.test(detail)) {
      return { phase: 'failed', failure: 'out_of_disk', detail: `the layers have ${detail}` };
    }
    if (/^the image has more than/.test(detail)) {
      return { phase: 'failed', failure: 'build_failed', detail };
    }
    this.#report(error, 'a build failed inside the host');
    return { phase: 'failed', failure: 'internal', detail };
  }

  #report(error: unknown, message: string): void {
    this.#tools.parts.log.error({ buildId: this.#wish.row.id, error: String(error) }, message);
  }
}
