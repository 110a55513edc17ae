import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { CommandFailure } from '../output/failure.ts';
import { feedProgram } from '../programs/feed-program.ts';
import { runProgram } from '../programs/run-program.ts';

/** Something to place in boxes, packed once for all of them. */
export interface Package {
  readonly name: string;
  /** Compressed tar archive on this machine. */
  readonly archive: string;
  readonly sizeBytes: number;
}

/** Packs directories and repositories into a temporary directory of its own. */
export class Packer {
  readonly #directory = mkdtempSync(join(tmpdir(), 'berth-run-'));
  #count = 0;

  /** A directory here: what git would keep when it is inside a work tree (tracked, and new but not ignored), else all of it. */
  async packDirectory(path: string): Promise<Package> {
    const directory = resolve(path);
    if (!existsSync(directory) || !statSync(directory).isDirectory()) {
      throw new CommandFailure(`there is no directory ${path}`);
    }
    const files = await gitFiles(directory);
    const list = files?.filter((file) => existsSync(join(directory, file))).join('\0');
    return this.#pack(basename(directory), directory, list);
  }

  /** A directory here, or an address of a git repository, which is cloned on this machine with the caller's own credentials. */
  async packRepository(source: string): Promise<Package> {
    if (existsSync(source)) {
      return this.packDirectory(source);
    }
    if (!looksLikeGitAddress(source)) {
      throw new CommandFailure(`there is no directory ${source}, and it is no address of a git repository`);
    }
    this.#count += 1;
    const clone = join(this.#directory, `clone-${this.#count}`);
    await runProgram(['git', 'clone', '--quiet', '--depth', '1', '--', source, clone]).catch((error: unknown) => {
      throw new CommandFailure(`cannot clone ${source}: ${error instanceof Error ? error.message : error}`);
    });
    const name = basename(source).replace(/\.git$/, '') || 'repository';
    return this.#pack(name, clone, undefined);
  }

  [Symbol.dispose](): void {
    rmSync(this.#directory, { recursive: true, force: true });
  }

  async #pack(name: string, directory: string, list: string | undefined): Promise<Package> {
    this.#count += 1;
    const archive = join(this.#directory, `${this.#count}.tgz`);
    const what = list === undefined ? ['.'] : ['--null', '--no-recursion', '--verbatim-files-from', '--files-from=-'];
    await feedProgram(['tar', '-C', directory, '-czf', archive, ...what], list ?? '');
    return { name, archive, sizeBytes: statSync(archive).size };
  }
}

/** An address that git can clone: a URL, or `user@host:path`. */
export const looksLikeGitAddress = (text: string): boolean =>
  /^(https?|ssh|git|file):\/\//.test(text) || /^[\w.-]+@[\w.-]+:/.test(text);

/** Files that git would keep, relative to the directory; undefined when it is in no work tree. */
const gitFiles = async (directory: string): Promise<string[] | undefined> => {
  const list = [
    'git',
    '-C',
    directory,
    '-c',
    'safe.directory=*',
    'ls-files',
    '-z',
    '--cached',
    '--others',
    '--exclude-standard',
  ];
  try {
    const files = (await runProgram([...list])).split('\0').filter(Boolean);
    return files.length === 0 ? undefined : [...new Set(files)];
  } catch {
    return undefined;
  }
};
