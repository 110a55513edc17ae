import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type GitCall, git } from './git.ts';
import { withinGrowth } from './growth.ts';
import type { Remote } from './remote.ts';
import { parseRemoteRefs, type RemoteRefs, type Target } from './remote-refs.ts';
import type { RepositorySettings } from './settings.ts';

/** A pack with its index, as git keeps them. */
export interface Pack {
  readonly name: string;
  readonly path: string;
  readonly sizeBytes: number;
}

const heads = '+refs/heads/*:refs/heads/*';
const tags = '+refs/tags/*:refs/tags/*';
const remoteRefsFile = 'berth-remote-refs';
/** Bound of what a remote may say of its branches and tags: some 200,000 of them. */
const maximumRefBytes = 16 * 1024 * 1024;
/** With more packs than this they are made into one. */
const maximumPacks = 12;

/** Asks a remote for its branches and tags. Throws `GitFailure`. */
export const listRemote = async (
  remote: Remote,
  settings: RepositorySettings,
  signal: AbortSignal,
): Promise<RemoteRefs> => {
  const args = ['ls-remote', '--quiet', '--symref', '--', remote.url, 'HEAD', 'refs/heads/*', 'refs/tags/*'];
  const listing = await git({ ...remote.access, args, signal, maximumOutputBytes: maximumRefBytes }, settings);
  return parseRemoteRefs(listing.toString('utf8'));
};

/** One bare repository on this machine that follows a remote one. Its caller sees to it that only one works on it at a time. */
export class Mirror {
  readonly directory: string;
  readonly #settings: RepositorySettings;
  readonly #signal: AbortSignal;

  constructor(directory: string, settings: RepositorySettings, signal: AbortSignal) {
    this.directory = directory;
    this.#settings = settings;
    this.#signal = signal;
  }

  /** Has all branches and tags that the remote has; asks for nothing when those are the ones it had. */
  async update(remote: Remote, refs: RemoteRefs): Promise<void> {
    const known = await readFile(join(this.directory, remoteRefsFile), 'utf8').catch(() => undefined);
    if (known !== refs.text) {
      const fresh = known === undefined;
      const target = fresh ? await this.#make() : this.directory;
      await this.#sweep(target);
      await this.#fetch(
        {
          ...remote.access,
          args: [
            'fetch',
            '--quiet',
            '--force',
            '--prune',
            '--no-tags',
            '--no-write-fetch-head',
            '--',
            remote.url,
            heads,
            tags,
          ],
        },
        target,
      );
      await this.#settle(target, refs);
    }
    await this.#touch();
  }

  /** Has the commit, and those before it, though no branch or tag leads there. */
  async require(remote: Remote, commit: string): Promise<void> {
    if (!(await this.#has(commit))) {
      const kept = `+${commit}:refs/berth/${commit}`;
      await this.#fetch({
        ...remote.access,
        args: ['fetch', '--quiet', '--no-tags', '--no-write-fetch-head', '--', remote.url, kept],
      });
    }
  }

  /** Has one state of the remote with so many commits before it, and nothing else. Made once: what it is named after never changes. */
  async makeShallow(remote: Remote, refs: RemoteRefs, target: Target, depth: number): Promise<void> {
    const exists = await stat(join(this.directory, remoteRefsFile)).catch(() => undefined);
    if (exists === undefined) {
      const made = await this.#make();
      const from = target.kind === 'commit' ? target.object : target.ref;
      const to = target.kind === 'commit' ? `refs/berth/${target.object}` : target.ref;
      await this.#fetch(
        {
          ...remote.access,
          args: [
            'fetch',
            '--quiet',
            `--depth=${depth}`,
            '--no-tags',
            '--no-write-fetch-head',
            '--',
            remote.url,
            `+${from}:${to}`,
          ],
        },
        made,
      );
      await this.#settle(made, refs);
    }
    await this.#touch();
  }

  /** The commit that a name of this repository stands for. Throws `GitFailure`. */
  async commitOf(name: string): Promise<string> {
    const args = ['rev-parse', '--verify', '--quiet', '--end-of-options', `${name}^{commit}`];
    return (await this.#git({ args })).toString('utf8').trim();
  }

  /** Output of a call of git that only reads. */
  async read(...args: readonly string[]): Promise<Buffer> {
    return this.#git({ args });
  }

  /** Branches and tags as `packed-refs` of a clone holds them. */
  async packedRefs(): Promise<string> {
    const format = '%(objectname) %(refname)%(if)%(*objectname)%(then) %(*objectname)%(end)';
    const lines = (
      await this.#git({ args: ['for-each-ref', `--format=${format}`, 'refs/heads', 'refs/tags'] })
    ).toString('utf8');
    const packed = lines
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => line.split(' '))
      .map(([object, ref = '', peeled]) => ({
        object,
        ref: ref.replace(/^refs\/heads\//, 'refs/remotes/origin/'),
        peeled,
      }))
      .sort((a, b) => Buffer.from(a.ref).compare(Buffer.from(b.ref)))
      .map(({ object, ref, peeled }) => `${object} ${ref}\n${peeled === undefined ? '' : `^${peeled}\n`}`);
    return `# pack-refs with: peeled fully-peeled sorted \n${packed.join('')}`;
  }

  /** Commits that this repository ends at; empty for a whole one. */
  shallow(): Promise<string> {
    return readFile(join(this.directory, 'shallow'), 'utf8').catch(() => '');
  }

  async packs(): Promise<Pack[]> {
    const folder = join(this.directory, 'objects/pack');
    const names = (await readdir(folder)).filter((name) => /^pack-[0-9a-f]+\.pack$/.test(name));
    return Promise.all(
      names.map(async (name) => {
        const path = join(folder, name);
        return {
          name: name.replace(/\.pack$/, ''),
          path: path.replace(/\.pack$/, ''),
          sizeBytes: (await stat(path)).size,
        };
      }),
    );
  }

  /** Makes one pack of many. Nobody may be reading them. */
  async tidy(): Promise<void> {
    if ((await this.packs()).length > maximumPacks) {
      await this.#git({ args: ['repack', '-a', '-d', '-q'] });
    }
  }

  async #has(commit: string): Promise<boolean> {
    try {
      await this.#git({ args: ['cat-file', '-e', `${commit}^{commit}`] });
      return true;
    } catch (error) {
      this.#signal.throwIfAborted();
      if (error instanceof Error && error.name === 'RepositoryError') {
        return false;
      }
      throw error;
    }
  }

  /** An empty repository beside its place, which it takes when it is whole. */
  async #make(): Promise<string> {
    const target = `${this.directory}.new`;
    await rm(target, { recursive: true, force: true });
    await mkdir(target, { recursive: true });
    await git({ args: ['init', '--quiet', '--bare', '--template=', target], signal: this.#signal }, this.#settings);
    return target;
  }

  /** What a fetch that was killed has left half written. */
  async #sweep(target: string): Promise<void> {
    const folder = join(target, 'objects/pack');
    const names = await readdir(folder).catch(() => []);
    await Promise.all(
      names.filter((name) => name.startsWith('tmp_')).map((name) => rm(join(folder, name), { force: true })),
    );
  }

  async #settle(target: string, refs: RemoteRefs): Promise<void> {
    await writeFile(join(target, remoteRefsFile), refs.text);
    if (target !== this.directory) {
      await rm(this.directory, { recursive: true, force: true });
      await rename(target, this.directory);
    }
  }

  /** The time of last use stands in the file system, where it survives the server. */
  async #touch(): Promise<void> {
    const now = new Date();
    await utimes(this.directory, now, now);
  }

  #fetch(call: Omit<GitCall, 'signal'>, repository = this.directory): Promise<Buffer> {
    const { repositoryBytes } = this.#settings;
    return withinGrowth(repository, repositoryBytes, this.#signal, (signal) =>
      git({ ...call, repository, signal }, this.#settings),
    );
  }

  #git(call: Omit<GitCall, 'signal'>, repository = this.directory): Promise<Buffer> {
    return git({ ...call, repository, signal: this.#signal }, this.#settings);
  }
}
