import { posix } from 'node:path';
import { type BoxUser, type FileInfo, HostError, type WriteFileOptions } from '../contract/index.ts';

interface Entry {
  readonly bytes: Uint8Array | undefined;
  readonly mode: number;
  readonly owner: number;
  readonly modifiedMs: number;
}

/** The files of one fake box: a Map by absolute path, with the rights of two accounts (root may all, the user its home and /tmp). */
export class FakeFiles {
  readonly #user: BoxUser;
  readonly #entries = new Map<string, Entry>();

  constructor(user: BoxUser) {
    this.#user = user;
    for (const path of ['/', '/etc', '/root', '/tmp', posix.dirname(user.home), user.home]) {
      this.#entries.set(path, { bytes: undefined, mode: 0o755, owner: 0, modifiedMs: 0 });
    }
  }

  /** The same files, for `user`. */
  copy(user: BoxUser = this.#user): FakeFiles {
    const copy = new FakeFiles(user);
    for (const [path, entry] of this.#entries) {
      copy.#entries.set(path, entry);
    }
    return copy;
  }

  read(path: string, account?: string): { info: FileInfo; bytes: Uint8Array } {
    const full = this.#resolve(path);
    this.#checkAccess(full, account, ['/root', '/etc/shadow'], path);
    const entry = this.#get(full);
    if (!entry.bytes) {
      throw new HostError('isDirectory', `${path} is a directory`);
    }
    return { info: this.#info(full, entry), bytes: entry.bytes };
  }

  write(path: string, bytes: Uint8Array, options: WriteFileOptions = {}): FileInfo {
    let full = this.#resolve(path);
    const existing = this.#entries.get(full);
    if (path.endsWith('/') || (existing && !existing.bytes)) {
      if (options.nameInDirectory === undefined) {
        throw new HostError('isDirectory', `${path} is a directory`);
      }
      full = posix.join(full, options.nameInDirectory);
    }
    const closed = options.place === true ? [] : ['/root', '/etc', '/usr'];
    this.#checkAccess(full, options.user, closed, path);
    this.#requireParent(full, options.makeParents === true);
    const entry: Entry = {
      bytes,
      mode: options.mode ?? this.#entries.get(full)?.mode ?? 0o644,
      owner: options.user === 'root' ? 0 : this.#user.uid,
      modifiedMs: Date.now(),
    };
    this.#entries.set(full, entry);
    return this.#info(full, entry);
  }

  stat(path: string): FileInfo {
    const full = this.#resolve(path);
    return this.#info(full, this.#get(full));
  }

  /** Bytes of all files. */
  get usedBytes(): number {
    let total = 0;
    for (const entry of this.#entries.values()) {
      total += entry.bytes?.byteLength ?? 0;
    }
    return total;
  }

  #resolve(path: string): string {
    if (path === '' || path.includes('\0')) {
      throw new HostError('invalidPath', 'the path is empty or holds a NUL');
    }
    const fromHome = path === '~' || path.startsWith('~/') ? path.slice(2) : path;
    const full = posix.resolve(this.#user.home, fromHome);
    return full;
  }

  #get(full: string): Entry {
    const entry = this.#entries.get(full);
    if (!entry) {
      this.#requireParent(full, false);
      throw new HostError('fileNotFound', `no such file: ${full}`);
    }
    return entry;
  }

  #requireParent(full: string, make: boolean): void {
    const parent = posix.dirname(full);
    const entry = this.#entries.get(parent);
    if (entry?.bytes) {
      throw new HostError('notDirectory', `${parent} is not a directory`);
    }
    if (entry) {
      return;
    }
    if (!make) {
      this.#requireParent(parent, false);
      throw new HostError('fileNotFound', `no such directory: ${parent}`);
    }
    this.#requireParent(parent, true);
    this.#entries.set(parent, { bytes: undefined, mode: 0o755, owner: this.#user.uid, modifiedMs: Date.now() });
  }

  #checkAccess(full: string, account: string | undefined, closed: readonly string[], path: string): void {
    const denied = closed.some((root) => full === root || full.startsWith(`${root}/`));
    if (denied && account !== 'root' && this.#user.uid !== 0) {
      throw new HostError('permissionDenied', `${path}: permission denied`);
    }
  }

  #info(path: string, entry: Entry): FileInfo {
    return {
      path,
      kind: entry.bytes ? 'file' : 'directory',
      sizeBytes: entry.bytes?.byteLength ?? 4096,
      mode: entry.mode,
      uid: entry.owner,
      gid: entry.owner,
      modifiedMs: entry.modifiedMs,
    };
  }
}
