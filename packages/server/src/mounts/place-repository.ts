import { createReadStream } from 'node:fs';
import type { Isolation } from '@berth/host/contract';
import type { Checkout } from '../repositories/repositories.ts';
import { type BoxStep, hasBegun, quoted, quotedPath, runStep } from './box-step.ts';
import type { MountPlace } from './mount-place.ts';

/** Where a repository goes in the box. */
export interface RepositoryTarget {
  /** Directory; relative ones count from the home of the box's user. */
  readonly path: string;
  /** Steps below this number belong to somebody else. */
  readonly firstStep: number;
}

/** The step that makes the working tree: once it has begun, all that it needs is in the box. */
const checkoutStep = 1;

/** How many steps {@link placeRepository} takes at most. */
export const repositorySteps = 2;

const chunkBytes = 256 * 1024;

async function* textChunks(text: string): AsyncGenerator<Uint8Array> {
  if (text !== '') {
    yield Buffer.from(text);
  }
}

const within = (target: string, path: string): string =>
  path === '' ? target : `${target.replace(/\/+$/, '')}/${path}`;

/** Makes the directories, which must be empty, and empty repositories in them. */
export const beginRepository = (target: string, checkouts: readonly Checkout[]): string => {
  const root = quotedPath(target);
  return [
    'set -e',
    `command -v git > /dev/null || { echo 'the image has no git' >&2; exit 1; }`,
    `mkdir -p -- ${root} 2> /dev/null || sudo -n install -d -o "$(id -u)" -g "$(id -g)" -- ${root}`,
    `[ -z "$(ls -A -- ${root})" ] || { printf '%s is not empty\\n' ${root} >&2; exit 1; }`,
    ...checkouts.map(({ path, branch, defaultBranch }) => {
      const head = branch ?? defaultBranch ?? 'main';
      return `git init --quiet --template= --initial-branch=${quoted(head)} -- ${quotedPath(within(target, path))}`;
    }),
  ].join('\n');
};

/** A sandbox of gVisor numbers files anew whenever it starts: git is told to know files by size and time, or it would read them all again. */
const knowFiles = (isolation: Isolation | null): string[] =>
  isolation === 'gvisor' ? ['git config core.checkStat minimal', 'git config core.trustctime false'] : [];

/** Makes working trees of what was brought, for boxes of this grade. */
export const endRepository = (
  target: string,
  checkouts: readonly Checkout[],
  isolation: Isolation | null = null,
): string => {
  const each = checkouts.flatMap(({ path, url, commit, branch, defaultBranch, shallow }) => {
    const remote =
      shallow !== '' && branch !== undefined
        ? `+refs/heads/${branch}:refs/remotes/origin/${branch}`
        : '+refs/heads/*:refs/remotes/origin/*';
    return [
      `cd -- ${quotedPath(within(target, path))}`,
      `git config remote.origin.url ${quoted(url)}`,
      `git config remote.origin.fetch ${quoted(remote)}`,
      ...knowFiles(isolation),
      ...(defaultBranch === undefined
        ? []
        : [`git symbolic-ref refs/remotes/origin/HEAD ${quoted(`refs/remotes/origin/${defaultBranch}`)}`]),
      branch === undefined
        ? `git checkout --quiet --force --detach ${commit}`
        : `git checkout --quiet --force -B ${quoted(branch)} --track ${quoted(`origin/${branch}`)} && git reset --quiet --hard ${commit}`,
    ];
  });
  const outer = checkouts.filter((one) => checkouts.some((other) => other !== one && isWithin(other.path, one.path)));
  const absorb = outer.flatMap(({ path }) => [
    `cd -- ${quotedPath(within(target, path))}`,
    'git submodule --quiet init',
    'git submodule --quiet absorbgitdirs 2> /dev/null',
  ]);
  return ['set -e', 'export GIT_TERMINAL_PROMPT=0', ...each, ...absorb].join('\n');
};

const isWithin = (inner: string, outer: string): boolean =>
  inner !== outer && (outer === '' || inner.startsWith(`${outer}/`));

/** Goes on with the last step of an earlier run of the server. False when it had not got so far: then everything is placed anew. */
export const continueRepository = async (
  place: MountPlace,
  firstStep: number,
  signal: AbortSignal,
): Promise<boolean> => {
  const number = firstStep + checkoutStep;
  if (!(await hasBegun(place, number))) {
    return false;
  }
  // It has begun: the command is that of its first call.
  await runStep(place, { number, what: 'git', command: 'true' }, signal);
  return true;
};

/**
 * Makes clones in the box out of what lies on this machine: the packs are sent as they are, and the box makes its working tree from them. Nothing of
 * a credential goes there. Safe to repeat.
 */
export const placeRepository = async (
  place: MountPlace,
  target: RepositoryTarget,
  checkouts: readonly Checkout[],
  signal: AbortSignal,
): Promise<void> => {
  const step = (number: number, command: string): BoxStep => ({
    number: target.firstStep + number,
    what: 'git',
    command,
  });
  await runStep(place, step(0, beginRepository(target.path, checkouts)), signal);
  for (const checkout of checkouts) {
    const directory = `${within(target.path, checkout.path)}/.git`;
    const write = (path: string, bytes: AsyncIterable<Uint8Array>) =>
      place.host.writeFile(place.box.id, `${directory}/${path}`, bytes, { makeParents: true }, signal);
    for (const { name, path } of checkout.packs) {
      for (const kind of ['pack', 'idx']) {
        await write(`objects/pack/${name}.${kind}`, createReadStream(`${path}.${kind}`, { highWaterMark: chunkBytes }));
      }
    }
    await write('packed-refs', textChunks(checkout.packedRefs));
    if (checkout.shallow !== '') {
      await write('shallow', textChunks(checkout.shallow));
    }
  }
  await runStep(place, step(checkoutStep, endRepository(target.path, checkouts, place.box.isolation)), signal);
};
