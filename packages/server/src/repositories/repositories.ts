import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import { FetchTurns } from './fetch-turns.ts';
import { GitFailure } from './git.ts';
import { type Location, locate } from './location.ts';
import type { Mirror, Pack } from './mirror.ts';
import { listRemote } from './mirror.ts';
import { MirrorCache, mirrorName } from './mirror-cache.ts';
import { type Remote, reach } from './remote.ts';
import { findTarget, type RemoteRefs, type Target } from './remote-refs.ts';
import { RepositoryError } from './repository-error.ts';
import type { RepositorySettings } from './settings.ts';
import { maximumLevels, maximumSubmodules, type Submodule, submodulesOf } from './submodules.ts';

/** What a box wants of a repository. */
export interface RepositoryWish {
  /** Account that asks: what needed a credential is kept for it alone. */
  readonly account: string;
  readonly location: Location;
  /** Branch, tag or commit; the default branch when left out. */
  readonly ref?: string | undefined;
  /** So many commits; all when left out. */
  readonly depth?: number | undefined;
  readonly submodules: boolean;
}

/** One repository as a clone of it is to be. */
export interface Checkout {
  /** Relative to the directory of the outermost one; empty for that one itself. */
  readonly path: string;
  readonly url: string;
  readonly commit: string;
  /** Branch to be on; none for a tag or commit. */
  readonly branch: string | undefined;
  readonly defaultBranch: string | undefined;
  readonly packs: readonly Pack[];
  /** Contents of the files of this name in `.git`. */
  readonly packedRefs: string;
  readonly shallow: string;
}

/** Repositories, outer ones before inner ones, readable until they are released. */
export interface PreparedCheckouts {
  readonly checkouts: readonly Checkout[];
  readonly release: () => void;
}

/** Words of git and curl for what may pass. */
const transient =
  /Could not resolve host|Failed to connect|Connection (reset|refused|timed out)|Operation too slow|timed out|returned error: (429|5\d\d)|early EOF|RPC failed|hung up|unexpected disconnect/i;
const attempts = 3;
const firstPauseMs = 1_000;

const denied =
  /Authentication failed|could not read (Username|Password)|returned error: (401|403)|Invalid username or password/i;
const unknownCommit = /not our ref|couldn't find remote ref|no such remote ref|unadvertised object/i;
const absent = /not found|returned error: 404|does not (exist|appear)/i;

/** What a failure of git means for whoever asked. */
const explain = (error: GitFailure, url: string): RepositoryError => {
  if (denied.test(error.text)) {
    return new RepositoryError(`access to ${url} was denied: a token that may read it is needed`);
  }
  if (unknownCommit.test(error.text)) {
    return new RepositoryError(`${url} has no such commit`);
  }
  return absent.test(error.text) ? new RepositoryError(`${url} was not found, or a token is needed to see it`) : error;
};

/** Repositories for boxes: fetched into mirrors on this machine, so that a second box of the same repository costs no transfer. */
export class Repositories {
  readonly settings: RepositorySettings;
  readonly #fetches: FetchTurns;
  readonly #cache: MirrorCache;

  constructor(settings: RepositorySettings, log: Logger) {
    this.settings = settings;
    this.#fetches = new FetchTurns(settings.parallelFetches);
    this.#cache = new MirrorCache(settings, this.#fetches, log);
  }

  /**
   * Brings what is wanted onto this machine. Release it when it has been read.
   * @throws RepositoryError for what repeating does not heal; what may pass was tried again before
   */
  async prepare(wish: RepositoryWish, signal: AbortSignal): Promise<PreparedCheckouts> {
    const releases: Array<() => void> = [];
    const release = (): void => {
      for (const each of releases) {
        each();
      }
    };
    try {
      const checkouts = await this.#prepareTree(wish, '', 0, { submodules: 0 }, signal, releases);
      return { checkouts, release };
    } catch (error) {
      release();
      throw error;
    }
  }

  async #prepareTree(
    wish: RepositoryWish,
    path: string,
    level: number,
    seen: { submodules: number },
    signal: AbortSignal,
    releases: Array<() => void>,
  ): Promise<Checkout[]> {
    const { checkout, mirror } = await this.#patiently(wish.location.url, signal, () =>
      this.#prepareOne(wish, path, signal, releases),
    );
    if (!wish.submodules) {
      return [checkout];
    }
    const inner = await submodulesOf(mirror, checkout.commit, checkout.url);
    seen.submodules += inner.length;
    if (seen.submodules > maximumSubmodules) {
      throw new RepositoryError(
        `the repository has more than ${maximumSubmodules} submodules, those of submodules counted`,
      );
    }
    if (inner.length > 0 && level >= maximumLevels) {
      throw new RepositoryError(`submodules are nested deeper than ${maximumLevels} levels`);
    }
    const all = [checkout];
    for (const module of inner) {
      const within = await this.#prepareTree(
        this.#wishOf(module, wish),
        path === '' ? module.path : `${path}/${module.path}`,
        level + 1,
        seen,
        signal,
        releases,
      );
      all.push(...within);
    }
    return all;
  }

  /** A submodule is told the credential only where the outer repository is. */
  #wishOf(module: Submodule, outer: RepositoryWish): RepositoryWish {
    const { url } = locate(module.url, undefined, this.settings);
    const { credential } = outer.location;
    const sameOrigin = new URL(url).origin === new URL(outer.location.url).origin && new URL(url).origin !== 'null';
    return {
      ...outer,
      location: sameOrigin && credential !== undefined ? { url, credential } : { url },
      ref: module.commit,
      depth: outer.depth === undefined ? undefined : 1,
    };
  }

  async #prepareOne(
    wish: RepositoryWish,
    path: string,
    signal: AbortSignal,
    releases: Array<() => void>,
  ): Promise<{ readonly checkout: Checkout; readonly mirror: Mirror }> {
    const remote = await reach(wish.location, this.settings);
    const refs = await this.#fetches.run(wish.account, signal, () => listRemote(remote, this.settings, signal));
    const target = findTarget(refs, wish.ref);
    if (target === undefined) {
      throw new RepositoryError(
        wish.ref === undefined
          ? `${remote.url} is empty`
          : `${remote.url} has no branch, tag or commit ${wish.ref.slice(0, 200)}`,
      );
    }
    const held = await this.#hold(wish, remote, refs, target, signal);
    releases.push(held.release);
    const { mirror } = held;
    const commit = await mirror.commitOf(target.kind === 'commit' ? target.object : target.ref);
    const [packs, packedRefs, shallow] = await Promise.all([mirror.packs(), mirror.packedRefs(), mirror.shallow()]);
    const branch = target.kind === 'branch' ? target.name : undefined;
    const { defaultBranch } = refs;
    return { checkout: { path, url: remote.url, commit, branch, defaultBranch, packs, packedRefs, shallow }, mirror };
  }

  #hold(wish: RepositoryWish, remote: Remote, refs: RemoteRefs, target: Target, signal: AbortSignal) {
    const scope = remote.access.credential === undefined ? 'public' : wish.account;
    const { depth } = wish;
    if (depth !== undefined) {
      const name = mirrorName(
        scope,
        remote.url,
        String(depth),
        target.kind,
        target.kind === 'commit' ? '' : target.ref,
        target.object,
      );
      return this.#cache.hold(wish.account, name, (mirror) => mirror.makeShallow(remote, refs, target, depth), signal);
    }
    return this.#cache.hold(
      wish.account,
      mirrorName(scope, remote.url),
      async (mirror) => {
        await mirror.update(remote, refs);
        if (target.kind === 'commit') {
          await mirror.require(remote, target.object);
        }
      },
      signal,
    );
  }

  /** Tries what may pass a few times. */
  async #patiently<Result>(url: string, signal: AbortSignal, work: () => Promise<Result>): Promise<Result> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await work();
      } catch (error) {
        if (!(error instanceof GitFailure)) {
          throw error;
        }
        if (attempt === attempts || !transient.test(error.text)) {
          throw explain(error, url);
        }
        await delay(firstPauseMs * 2 ** (attempt - 1), undefined, { signal });
      }
    }
  }
}
