import { createHash } from 'node:crypto';
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { FetchTurns } from './fetch-turns.ts';
import { GitFailure } from './git.ts';
import { sizeOf, TooLarge } from './growth.ts';
import { Mirror } from './mirror.ts';

import type { RepositorySettings } from './settings.ts';

/** A mirror that stays as it is until it is released. */
export interface HeldMirror {
  readonly mirror: Mirror;
  readonly release: () => void;
}

/** Words of git for a mirror that a kill, or a full disk, has left unusable. */
const damage = /\.lock'|corrupt|bad object|not a git repository|unable to (read|find)|index-pack|missing blob/i;

/** Names the directory of a mirror. */
export const mirrorName = (...parts: readonly string[]): string =>
  createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 40);

/**
 * The mirrors of one installation in one directory: one at work on each at a time, a few fetches at once, bounded in size. All of it may be deleted
 * while the server is down; a mirror that is damaged is made anew.
 */
export class MirrorCache {
  readonly #settings: RepositorySettings;
  readonly #fetches: FetchTurns;
  readonly #log: Logger;
  readonly #turns = new Map<string, Promise<void>>();
  readonly #readers = new Map<string, number>();

  constructor(settings: RepositorySettings, fetches: FetchTurns, log: Logger) {
    this.#settings = settings;
    this.#fetches = fetches;
    this.#log = log;
  }

  /**
   * Has `update` bring a mirror up to date, alone, and holds the mirror for reading. What fails over a mirror that was there before is tried once
   * more with a fresh one.
   */
  async hold(
    account: string,
    name: string,
    update: (mirror: Mirror) => Promise<void>,
    signal: AbortSignal,
  ): Promise<HeldMirror> {
    const directory = join(this.#settings.directory, name);
    try {
      // The place first: who waits for one keeps nobody from a mirror that they share.
      await this.#fetches.run(account, signal, () => this.#alone(name, () => this.#refresh(name, update, signal)));
    } finally {
      await this.#makeRoom(name).catch((error: unknown) => this.#log.warn({ err: error }, 'old mirrors not deleted'));
    }
    let held = true;
    const release = (): void => {
      if (held) {
        held = false;
        this.#readers.set(name, this.#readersOf(name) - 1);
      }
    };
    return { mirror: new Mirror(directory, this.#settings, signal), release };
  }

  /** Brings the mirror up to date and counts one reader more. */
  async #refresh(name: string, update: (mirror: Mirror) => Promise<void>, signal: AbortSignal): Promise<void> {
    const mirror = new Mirror(join(this.#settings.directory, name), this.#settings, signal);
    const isRead = this.#readersOf(name) > 0;
    if (!isRead) {
      await mirror.tidy().catch(() => undefined);
    }
    try {
      await this.#updateOrRenew(mirror, update, signal);
    } catch (error) {
      await rm(`${mirror.directory}.new`, { recursive: true, force: true });
      if (error instanceof TooLarge && !isRead) {
        await rm(mirror.directory, { recursive: true, force: true });
      }
      throw error;
    }
    this.#readers.set(name, this.#readersOf(name) + 1);
  }

  #readersOf(name: string): number {
    return this.#readers.get(name) ?? 0;
  }

  async #updateOrRenew(mirror: Mirror, update: (mirror: Mirror) => Promise<void>, signal: AbortSignal): Promise<void> {
    await mkdir(this.#settings.directory, { recursive: true, mode: 0o700 });
    const existed = await stat(mirror.directory).catch(() => undefined);
    try {
      await update(mirror);
    } catch (error) {
      signal.throwIfAborted();
      const isDamaged = error instanceof GitFailure && damage.test(error.text);
      if (existed === undefined || !isDamaged) {
        throw error;
      }
      this.#log.warn({ err: error, mirror: mirror.directory }, 'a mirror is damaged and is made anew');
      await rm(mirror.directory, { recursive: true, force: true });
      await update(mirror);
    }
  }

  /** Callers of one mirror follow each other. */
  async #alone(name: string, work: () => Promise<void>): Promise<void> {
    const before = this.#turns.get(name) ?? Promise.resolve();
    const turn = before.then(work);
    const settled = turn.catch(() => undefined);
    this.#turns.set(name, settled);
    try {
      await turn;
    } finally {
      if (this.#turns.get(name) === settled) {
        this.#turns.delete(name);
      }
    }
  }

  /** Deletes the least recently used mirrors that nobody reads, until all fit; and what was left half made. */
  async #makeRoom(keep: string): Promise<void> {
    const names = await readdir(this.#settings.directory).catch(() => []);
    const all = await Promise.all(
      names.map(async (name) => {
        const path = join(this.#settings.directory, name);
        const usedMs = await stat(path).then(
          ({ mtimeMs }) => mtimeMs,
          () => 0,
        );
        return { name, path, usedMs, sizeBytes: await sizeOf(path) };
      }),
    );
    let totalBytes = all.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    for (const { name, path, sizeBytes } of all.sort((a, b) => a.usedMs - b.usedMs)) {
      const owner = name.replace(/\.(new|old)$/, '');
      const isBusy = name === keep || this.#turns.has(owner) || this.#readersOf(owner) > 0;
      if (!isBusy && (totalBytes > this.#settings.cacheBytes || owner !== name)) {
        await rm(path, { recursive: true, force: true });
        totalBytes -= sizeBytes;
      }
    }
  }
}
