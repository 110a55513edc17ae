import { rm } from 'node:fs/promises';
import { type BuildFailure, HostError } from '../contract/index.ts';
import type { BaseImages } from './base-images.ts';
import { explainBuildEnd } from './build-failures.ts';
import type { BuildLog } from './build-log.ts';
import type { BuildParts } from './build-parts.ts';
import { recipeOf } from './build-recipe.ts';
import type { BuildRow, ImageRow } from './build-rows.ts';
import { BuildSandbox, type SandboxWish } from './build-sandbox.ts';
import type { Collector } from './collector.ts';
import { baseNames, replaceBases } from './dockerfile.ts';
import type { ImageImporter } from './image-importer.ts';
import { storesOf } from './image-stacks.ts';
import { masking } from './log-masking.ts';
import { LogReader, MAX_SPOKEN_BYTES } from './log-reader.ts';

/** Stores that one build looks into, at most: each costs it a little. */
const MAX_VISIBLE_STORES = 48;

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
}

export interface BuildJobWish {
  readonly row: BuildRow;
  readonly secrets: Readonly<Record<string, string>>;
  readonly secretsMark: string;
  /** Of the context that was uploaded; empty without. */
  readonly contextHash: string;
  readonly log: BuildLog;
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

  /** Runs it. Never rejects; nothing of it is left when it resolves but its log and, where it is complete, its image. */
  async run(): Promise<BuildEnd> {
    const { parts, collector } = this.#tools;
    const { id, spec } = this.#wish.row;
    let end: BuildEnd;
    try {
      end = { phase: 'complete', image: await this.#build() };
    } catch (error) {
      end = this.#endOf(error);
    }
    collector.release(id);
    await this.#sandbox?.remove().catch((error: unknown) => this.#report(error, 'a sandbox could not be removed'));
    await rm(parts.paths.context(id), { force: true });
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

  async #build(): Promise<ImageRow> {
    const { parts, bases } = this.#tools;
    const { row, log, secretsMark, contextHash } = this.#wish;
    const { spec } = row;
    const { dockerfile, standIns, needed } = await this.#resolve();
    this.#abort.signal.throwIfAborted();
    const recipe = recipeOf({ spec, dockerfile, secretsMark, contextHash });
    const same = parts.builds.images.all().find((image) => recipe !== '' && image.recipe === recipe);
    if (same !== undefined) {
      log.append('info', 'every step is in the cache: an earlier build had the same recipe');
      return parts.builds.images.putFirmly({ ...same, id: row.id, phase: 'ready', createdMs: Date.now() });
    }
    const stores = this.#visible(needed);
    this.#tools.collector.hold(row.id, stores);
    parts.builds.touch(stores);
    const pull = await bases.canPull();
    await this.#runSandbox({ stores, dockerfile, pull });
    this.#abort.signal.throwIfAborted();
    return this.#tools.importer.take({
      buildId: row.id,
      work: this.#sandbox?.work ?? '',
      scope: spec.cacheScope,
      secretsMark,
      base: '',
      visible: stores,
      phase: 'ready',
      recipe,
      standIn: standIns.length === 0 ? undefined : standIns.join('; '),
    });
  }

  /** Every name that the Dockerfile builds upon, as what it stands for. */
  async #resolve(): Promise<{ dockerfile: string; standIns: string[]; needed: string[] }> {
    const { bases, parts } = this.#tools;
    const { row, log } = this.#wish;
    const { spec } = row;
    const text = spec.dockerfile ?? `FROM ${GIVEN_BASE}\n`;
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
    return { dockerfile: replaceBases(text, spec.arguments, (name) => found.get(name)), standIns, needed };
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
  }: {
    readonly stores: readonly string[];
    readonly dockerfile: string;
    readonly pull: boolean;
  }): Promise<void> {
    const { parts } = this.#tools;
    const { row, log, secrets } = this.#wish;
    const { limits, ...spec } = row.spec;
    const wish: SandboxWish = {
      buildId: row.id,
      limits,
      secrets,
      stores,
      context: spec.context ? parts.paths.context(row.id) : undefined,
      plan: { spec, dockerfile, pull },
    };
    const sandbox = new BuildSandbox(parts, row.id);
    this.#sandbox = sandbox;
    const reader = new LogReader(log, masking(secrets));
    const timer = setTimeout(() => {
      this.stop({ phase: 'failed', failure: 'timed_out', detail: `it ran for longer than ${limits.timeoutMs} ms` });
    }, limits.timeoutMs);
    try {
      const end = await sandbox.run(wish, (bytes) => {
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
        throw new BuildAborted({ phase: 'failed', ...explainBuildEnd(end, limits, reader.tail) });
      }
    } finally {
      clearTimeout(timer);
    }
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
