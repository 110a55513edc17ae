import { closeSync, constants, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';

interface Entry {
  readonly path: string;
  readonly fd: number;
  users: number;
  doomed: boolean;
}

/** A file held open; `release` it once. */
export interface Lease {
  readonly fd: number;
  release(): void;
}

const isMissing = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'ENOENT';

/**
 * Keeps the files of the spool open, the least recently used closed first, so that any number of executions needs a bounded number of file
 * descriptors. Writers and readers of one file share a descriptor that appends.
 */
export class FilePool {
  readonly #entries = new Map<string, Entry>();
  readonly #maxOpen: number;

  constructor(maxOpen: number) {
    this.#maxOpen = maxOpen;
  }

  /** Files open at this moment. */
  get size(): number {
    return this.#entries.size;
  }

  /** For appending; the file and its folder are made when missing. */
  create(path: string): Lease {
    return this.#lease(path, () => {
      const flags = constants.O_RDWR | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW;
      try {
        return openSync(path, flags, 0o600);
      } catch (error) {
        if (!isMissing(error)) {
          throw error;
        }
        mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
        return openSync(path, flags, 0o600);
      }
    });
  }

  /** For reading; `undefined` when there is no such file. */
  open(path: string): Lease | undefined {
    try {
      return this.#lease(path, () => openSync(path, constants.O_RDWR | constants.O_APPEND | constants.O_NOFOLLOW));
    } catch (error) {
      if (isMissing(error)) {
        return undefined;
      }
      throw error;
    }
  }

  /** Closes the file as soon as nobody uses it: it will hardly be needed again. */
  drop(path: string): void {
    const entry = this.#entries.get(path);
    if (entry !== undefined) {
      this.#entries.delete(path);
      entry.doomed = true;
      this.#closeUnused(entry);
    }
  }

  close(): void {
    for (const path of [...this.#entries.keys()]) {
      this.drop(path);
    }
  }

  #lease(path: string, open: () => number): Lease {
    let entry = this.#entries.get(path);
    if (entry === undefined) {
      entry = { path, fd: open(), users: 0, doomed: false };
    } else {
      this.#entries.delete(path);
    }
    this.#entries.set(path, entry);
    entry.users += 1;
    this.#evict();
    const held = entry;
    let released = false;
    return {
      fd: entry.fd,
      release: () => {
        if (!released) {
          released = true;
          held.users -= 1;
          this.#closeUnused(held);
        }
      },
    };
  }

  #evict(): void {
    if (this.#entries.size <= this.#maxOpen) {
      return;
    }
    for (const entry of this.#entries.values()) {
      if (entry.users === 0) {
        this.#entries.delete(entry.path);
        closeSync(entry.fd);
        return;
      }
    }
  }

  #closeUnused(entry: Entry): void {
    if (entry.doomed && entry.users === 0) {
      closeSync(entry.fd);
    }
  }
}
