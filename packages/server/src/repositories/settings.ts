/** How repositories are fetched for boxes. */
export interface RepositorySettings {
  /** Directory of the mirrors; made when it is first needed. */
  readonly directory: string;
  /** What `owner/name` is appended to. */
  readonly githubUrl: string;
  /** `host` or `host:port` that may be fetched from although its address is private. */
  readonly privateHosts: readonly string[];
  /** Protocols of git that are allowed: `https`, `http`; `file` and `git` where the operator says so. */
  readonly protocols: readonly string[];
  /** Bound of all mirrors together; the least recently used go first. */
  readonly cacheBytes: number;
  /** Bound of what one fetch may bring. */
  readonly repositoryBytes: number;
  /** Bound of one call of git. */
  readonly timeoutMs: number;
  /** Fetches at once; the others wait. */
  readonly parallelFetches: number;
}

const gibibyte = 1024 ** 3;

export const defaultRepositorySettings: Omit<RepositorySettings, 'directory'> = {
  githubUrl: 'https://github.com',
  privateHosts: [],
  protocols: ['https', 'http'],
  cacheBytes: 10 * gibibyte,
  repositoryBytes: 4 * gibibyte,
  timeoutMs: 900_000,
  parallelFetches: 4,
};
