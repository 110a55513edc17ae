/** How a base is made on this machine. `key` names it for good: the same key is the same base. */
export interface LocalBase {
  readonly key: string;
  readonly family: 'default' | 'debian' | 'ubuntu';
  readonly suite: string;
  readonly kind: 'plain' | 'python' | 'node';
  /** For people: what it is instead of the registry's. */
  readonly says: string;
}

const DEBIAN: Readonly<Record<string, string>> = {
  '11': 'bullseye',
  bullseye: 'bullseye',
  '12': 'bookworm',
  bookworm: 'bookworm',
  '13': 'trixie',
  trixie: 'trixie',
  stable: 'trixie',
  latest: 'trixie',
};

const UBUNTU: Readonly<Record<string, string>> = {
  '20.04': 'focal',
  focal: 'focal',
  '22.04': 'jammy',
  jammy: 'jammy',
  '24.04': 'noble',
  noble: 'noble',
  latest: 'noble',
};

/** Names of Runloop's own registry, which no other can resolve, and that of this host: they mean the default image. */
const DEFAULT = /^(?:berth:base|(?:runloop:)?runloop\/(?:starter|prod-dnd|universal)[a-z0-9_-]*(?::[\w.-]+)?)$/;

export const defaultBase: LocalBase = {
  key: 'default',
  family: 'default',
  suite: 'bookworm',
  kind: 'plain',
  says: "Berth's default image",
};

/** Whether the name means the default image wherever it is asked for. */
export const isDefaultName = (name: string): boolean => DEFAULT.test(name);

/** `docker.io/library/debian:bookworm` and the like as `debian:bookworm`; undefined for names of other registries. */
function plainName(name: string): { readonly repository: string; readonly tag: string } | undefined {
  const short = name.replace(/^(?:docker:\/\/)?(?:(?:index\.|registry-1\.)?docker\.io\/)?(?:library\/)?/, '');
  const [, repository = '', tag = 'latest'] = /^([a-z0-9._-]+)(?::([\w.-]+))?$/.exec(short) ?? [];
  return repository === '' ? undefined : { repository, tag };
}

/** The base that can be made here for this name. */
export function localBase(name: string, nodeMajor: string): LocalBase | undefined {
  const plain = plainName(name);
  if (plain === undefined) {
    return undefined;
  }
  const { repository, tag } = plain;
  const debian = DEBIAN[tag.replace(/-slim$/, '').replace(/^(\d\d)\.\d+$/, '$1')];
  if (repository === 'debian' && debian !== undefined) {
    const says = `Debian ${debian} made here out of Debian's packages, in place of docker.io/library/debian:${tag}`;
    return { key: `debian-${debian}`, family: 'debian', suite: debian, kind: 'plain', says };
  }
  const ubuntu = UBUNTU[tag];
  if (repository === 'ubuntu' && ubuntu !== undefined) {
    const says = `Ubuntu ${ubuntu} made here out of Ubuntu's packages, in place of docker.io/library/ubuntu:${tag}`;
    return { key: `ubuntu-${ubuntu}`, family: 'ubuntu', suite: ubuntu, kind: 'plain', says };
  }
  // Debian bookworm's own Python; another version would be a lie.
  if (repository === 'python' && /^3\.11(\.\d+)?(-slim)?(-bookworm)?$/.test(tag)) {
    const says = `Debian bookworm with Debian's Python 3.11, in place of docker.io/library/python:${tag}`;
    return { key: 'python-3.11', family: 'debian', suite: 'bookworm', kind: 'python', says };
  }
  if (repository === 'node' && new RegExp(`^(${nodeMajor}|current|latest)(-slim)?(-bookworm)?(-slim)?$`).test(tag)) {
    const says = `Debian bookworm with Node ${nodeMajor} from npm, in place of docker.io/library/node:${tag}`;
    return { key: `node-${nodeMajor}`, family: 'debian', suite: 'bookworm', kind: 'node', says };
  }
  return undefined;
}
