import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CommandFailure } from '../output/failure.ts';
import { feedProgram } from '../programs/feed-program.ts';
import { DockerIgnore } from './docker-ignore.ts';

/** The files of a directory that a Dockerfile may copy, as one archive; removed when it is disposed of. */
export interface PackedContext extends Disposable {
  readonly archive: string;
  readonly sizeBytes: number;
  readonly files: number;
}

const ignoreFile = '.dockerignore';

/** Paths below a directory that its `.dockerignore` leaves in, relative to it. */
export const contextFiles = async (directory: string): Promise<string[]> => {
  const rulesPath = join(directory, ignoreFile);
  const rules = new DockerIgnore(existsSync(rulesPath) ? readFileSync(rulesPath, 'utf8') : '');
  const found: string[] = [];
  const walk = async (relative: string): Promise<void> => {
    const entries = await readdir(join(directory, relative), { withFileTypes: true });
    for (const entry of entries.sort((one, other) => (one.name < other.name ? -1 : 1))) {
      const path = relative === '' ? entry.name : `${relative}/${entry.name}`;
      const isIgnored = path === ignoreFile || rules.ignores(path);
      if (!isIgnored && (entry.isDirectory() || entry.isFile() || entry.isSymbolicLink())) {
        found.push(path);
      }
      if (entry.isDirectory() && (!isIgnored || rules.hasExceptions)) {
        await walk(path);
      }
    }
  };
  await walk('');
  return found;
};

/** @throws CommandFailure when there is no such directory, or it cannot be read */
export const packContext = async (directory: string): Promise<PackedContext> => {
  if (!existsSync(directory) || !statSync(directory).isDirectory()) {
    throw new CommandFailure(`there is no directory ${directory}`);
  }
  const files = await contextFiles(directory);
  const folder = mkdtempSync(join(tmpdir(), 'berth-context-'));
  const dispose = (): void => rmSync(folder, { recursive: true, force: true });
  const archive = join(folder, 'context.tgz');
  const list = ['--null', '--no-recursion', '--verbatim-files-from', '--files-from=-'];
  try {
    await feedProgram(['tar', '-C', directory, '-czf', archive, ...list], files.join('\0'));
    return { archive, sizeBytes: statSync(archive).size, files: files.length, [Symbol.dispose]: dispose };
  } catch (error) {
    dispose();
    throw error;
  }
};
