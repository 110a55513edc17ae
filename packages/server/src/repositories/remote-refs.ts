/** What a remote says it has. */
export interface RemoteRefs {
  /** Branch that the remote's HEAD names, like `main`. */
  readonly defaultBranch: string | undefined;
  /** Object by full name of the ref; those of tags are the tags themselves. */
  readonly refs: ReadonlyMap<string, string>;
  /** All of it as text, to see whether anything has changed. */
  readonly text: string;
}

/** Reads the output of `git ls-remote --symref`. Lines that are not like that are left out. */
export const parseRemoteRefs = (text: string): RemoteRefs => {
  const refs = new Map<string, string>();
  let defaultBranch: string | undefined;
  for (const line of text.split('\n')) {
    const [value = '', name = ''] = line.split('\t');
    if (value.startsWith('ref: refs/heads/') && name === 'HEAD') {
      defaultBranch = value.slice('ref: refs/heads/'.length);
    } else if (/^[0-9a-f]{40,64}$/.test(value) && !name.endsWith('^{}')) {
      refs.set(name, value);
    }
  }
  return { defaultBranch, refs, text };
};

/** What is to be checked out: a branch, a tag, or a commit by its name. */
export type Target =
  | { readonly kind: 'branch' | 'tag'; readonly name: string; readonly ref: string; readonly object: string }
  | { readonly kind: 'commit'; readonly object: string };

/** Finds what a caller means: a branch before a tag, a commit when it looks like one; without a name the default branch. */
export const findTarget = (remote: RemoteRefs, wanted: string | undefined): Target | undefined => {
  const name = wanted ?? remote.defaultBranch;
  if (name === undefined) {
    const object = remote.refs.get('HEAD');
    return object === undefined ? undefined : { kind: 'commit', object };
  }
  for (const [kind, prefix] of [
    ['branch', 'refs/heads/'],
    ['tag', 'refs/tags/'],
  ] as const) {
    const short = name.startsWith(prefix) ? name.slice(prefix.length) : name;
    const object = remote.refs.get(prefix + short);
    if (object !== undefined) {
      return { kind, name: short, ref: prefix + short, object };
    }
  }
  return /^[0-9a-f]{40}([0-9a-f]{24})?$/i.test(name) ? { kind: 'commit', object: name.toLowerCase() } : undefined;
};
