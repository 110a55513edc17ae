import { RepositoryError } from './repository-error.ts';
import type { RepositorySettings } from './settings.ts';

/** What a remote is told of who asks. */
export interface Credential {
  readonly username: string;
  readonly password: string;
}

/** Where a repository is: a URL without credentials, and those apart. */
export interface Location {
  readonly url: string;
  readonly credential?: Credential;
}

/** User name that goes with a token: GitHub's own convention, which other hosts take as well. */
const tokenUser = 'x-access-token';

/** `host` or `host:port` of a URL, as the settings name private hosts. */
const namesOf = (url: URL): readonly string[] => [url.hostname, url.host];

/** Whether the operator has opened this host although its address is private. */
export const isOpened = (url: URL, settings: Pick<RepositorySettings, 'privateHosts'>): boolean =>
  namesOf(url).some((name) => settings.privateHosts.includes(name));

const parse = (text: string): URL => {
  try {
    return new URL(text);
  } catch {
    throw new RepositoryError(
      /^[^/]*@[^/]*:/.test(text)
        ? 'git over SSH is not supported: give the https URL of the repository, and a token where it is private'
        : 'the repository must be given as a URL, like https://github.com/owner/name',
    );
  }
};

/** What percent signs stand for. Throws {@link RepositoryError} where they stand for nothing. */
const decode = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new RepositoryError('the URL of the repository has a percent sign that stands for nothing');
  }
};

/**
 * Checks what a caller gave as a repository. Credentials in the URL count like a token, and do not stay in it. Throws {@link RepositoryError}.
 */
export const locate = (text: string, token: string | undefined, settings: RepositorySettings): Location => {
  const url = parse(text);
  const protocol = url.protocol.slice(0, -1);
  if (!settings.protocols.includes(protocol)) {
    throw new RepositoryError(
      `the protocol of a repository must be one of ${settings.protocols.join(', ')}, not ${protocol.slice(0, 20)}`,
    );
  }
  decode(url.pathname);
  const inUrl = decode(url.password || url.username);
  const username = url.password === '' ? tokenUser : decode(url.username);
  url.username = '';
  url.password = '';
  url.hash = '';
  const password = token ?? inUrl;
  if (password === '') {
    return { url: url.href };
  }
  if (/[\r\n\0]/.test(password + username)) {
    throw new RepositoryError('the token must be one line');
  }
  if (protocol !== 'https' && !isOpened(url, settings)) {
    throw new RepositoryError(`a token is sent over https only, not over ${protocol}`);
  }
  return { url: url.href, credential: { username: token === undefined ? username : tokenUser, password } };
};

/** URL of a repository on GitHub, or what stands in its place. */
export const githubRepository = (
  owner: string,
  name: string,
  settings: Pick<RepositorySettings, 'githubUrl'>,
): string => `${settings.githubUrl.replace(/\/+$/, '')}/${encodeURIComponent(owner)}/${encodeURIComponent(name)}.git`;

/** Name of the directory that a clone makes by itself. */
export const directoryOf = (url: string): string => {
  const last = new URL(url).pathname.replace(/\/+$/, '').split('/').at(-1) ?? '';
  const name = decode(last).replace(/\.git$/, '');
  return /^[A-Za-z0-9._-]+$/.test(name) && !/^\.{1,2}$/.test(name) && name !== '.git' ? name : 'repository';
};
