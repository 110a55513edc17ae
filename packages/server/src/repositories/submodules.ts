import type { Mirror } from './mirror.ts';
import { RepositoryError } from './repository-error.ts';

/** A repository within another, as `.gitmodules` names it. */
export interface Submodule {
  /** Relative to the directory of the outer one. */
  readonly path: string;
  readonly url: string;
  readonly commit: string;
}

/** Most submodules of one repository, those of its submodules counted, and most levels of them. */
export const maximumSubmodules = 128;
export const maximumLevels = 4;

/** A path that stays in the working tree and out of `.git`. */
const isInside = (path: string): boolean =>
  path.length <= 1_024 &&
  !path.startsWith('-') &&
  path.split('/').every((part) => part !== '' && part !== '.' && part !== '..' && part.toLowerCase() !== '.git');

/** URL of a submodule; a relative one counts from that of the outer repository. */
const resolveUrl = (url: string, outer: string): string =>
  url.startsWith('./') || url.startsWith('../') ? new URL(url, `${outer.replace(/\/+$/, '')}/`).href : url;

const settingsOf = (listing: string): Map<string, { path?: string; url?: string }> => {
  const found = new Map<string, { path?: string; url?: string }>();
  for (const entry of listing.split('\0')) {
    const end = entry.indexOf('\n');
    const [key, value] = [entry.slice(0, end), entry.slice(end + 1)];
    const match = /^submodule\.(.+)\.(path|url)$/s.exec(key);
    if (match !== null && end !== -1) {
      const [, name = '', field = ''] = match;
      found.set(name, { ...found.get(name), [field]: value });
    }
  }
  return found;
};

/** The commit that the outer repository has at a path; undefined when there is no submodule. */
const commitAt = async (mirror: Mirror, commit: string, path: string): Promise<string | undefined> => {
  const listing = (await mirror.read('ls-tree', '-z', commit, '--', path)).toString('utf8');
  return /^160000 commit ([0-9a-f]{40,64})\t/.exec(listing)?.[1];
};

/** The submodules of a commit. What `.gitmodules` says is the author's and not to be trusted. Throws {@link RepositoryError}. */
export const submodulesOf = async (mirror: Mirror, commit: string, url: string): Promise<Submodule[]> => {
  const tree = (await mirror.read('ls-tree', '-z', commit, '--', '.gitmodules')).toString('utf8');
  if (!/^100\d{3} blob /.test(tree)) {
    return [];
  }
  // Without the word, git follows `include.path` out of a blob to any file of this machine.
  const listing = (
    await mirror.read('config', '--no-includes', '--blob', `${commit}:.gitmodules`, '--list', '-z')
  ).toString('utf8');
  const modules: Submodule[] = [];
  for (const [name, { path, url: given }] of settingsOf(listing)) {
    if (path === undefined || given === undefined) {
      continue;
    }
    if (!isInside(path)) {
      throw new RepositoryError(`the submodule ${name.slice(0, 100)} has a path outside the repository`);
    }
    const at = await commitAt(mirror, commit, path);
    if (at !== undefined) {
      modules.push({ path, url: resolveUrl(given, url), commit: at });
    }
  }
  return modules;
};
