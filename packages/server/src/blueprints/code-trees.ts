import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { posix } from 'node:path';
import type { BlueprintCodeMount } from '@berth/contract';
import { type BuildStep, HostError } from '@berth/host/contract';
import { quoted } from '../mounts/box-step.ts';
import { beginRepository, endRepository } from '../mounts/place-repository.ts';
import { githubRepository, locate } from '../repositories/location.ts';
import type { Checkout, PreparedCheckouts, Repositories } from '../repositories/repositories.ts';
import type { ArchiveFile } from './tree-archive.ts';

type CodeMount = Omit<BlueprintCodeMount, 'token'>;

/** Repositories that lie on this machine until they are released, in the order of the mounts. */
export interface CodeTrees {
  /** What an image does to have the repository of this place. */
  steps(mount: CodeMount, index: number, home: string): BuildStep[];
  readonly files: readonly ArchiveFile[];
  readonly release: () => void;
}

/**
 * Fetches the repositories of a blueprint through the mirrors that those of boxes come from. The host gets their packs: no token leaves this process.
 * @throws HostError for what repeating does not heal; what may pass was tried again before
 */
export const prepareCodeTrees = async (
  repositories: Repositories,
  account: string,
  mounts: readonly CodeMount[],
  tokens: Readonly<Record<number, string>>,
  signal: AbortSignal,
): Promise<CodeTrees> => {
  const all: PreparedCheckouts[] = [];
  const release = () => all.forEach((one) => void one.release());
  try {
    for (const [index, { repo_owner, repo_name, git_ref }] of mounts.entries()) {
      const url = githubRepository(repo_owner, repo_name, repositories.settings);
      const location = locate(url, tokens[index], repositories.settings);
      const wish = { account, location, ref: git_ref, submodules: true };
      all.push(await repositories.prepare(wish, signal));
    }
    const files = await Promise.all(
      all.flatMap(({ checkouts }, index) => checkouts.map((checkout) => filesOf(checkout, `trees/${index}`))),
    );
    return {
      steps: (mount, index, home) => treeSteps(mount, index, home, all[index]?.checkouts ?? []),
      files: files.flat(),
      release,
    };
  } catch (error) {
    release();
    signal.throwIfAborted();
    throw new HostError('internal', `a code mount: ${error instanceof Error ? error.message : error}`, {
      cause: error,
    });
  }
};

/** One step, so that nothing is in two layers. It names all that comes along, for whoever knows it again by its text. */
const treeSteps = (mount: CodeMount, index: number, home: string, checkouts: readonly Checkout[]): BuildStep[] => {
  const path = posix.join(home, mount.repo_name);
  const facts = checkouts.map(({ packs, packedRefs, shallow }) => [
    packs.map(({ name }) => name).toSorted(),
    packedRefs,
    shallow,
  ]);
  const command = [
    `: ${createHash('sha256').update(JSON.stringify(facts)).digest('hex')}`,
    beginRepository(path, checkouts),
    `cp -R /.berth/tree/. ${quoted(path)}`,
    endRepository(path, checkouts),
  ].join('\n');
  return [{ kind: 'run', command, tree: String(index) }];
};

/** In an order of their own: the same commits are the same archive. */
const filesOf = async ({ path, packs, packedRefs, shallow }: Checkout, tree: string): Promise<ArchiveFile[]> => {
  const directory = posix.join(tree, path, '.git');
  const text = (name: string, content: string): ArchiveFile => ({
    name: posix.join(directory, name),
    sizeBytes: Buffer.byteLength(content),
    content: async function* () {
      yield Buffer.from(content);
    },
  });
  const packFiles = packs
    .toSorted((one, other) => (one.name < other.name ? -1 : 1))
    .flatMap(({ name, path: place }) =>
      ['pack', 'idx'].map((kind) => ({ name: `${name}.${kind}`, file: `${place}.${kind}` })),
    );
  const opened = packFiles.map(async ({ name, file }) => ({
    name: posix.join(directory, 'objects/pack', name),
    sizeBytes: (await stat(file)).size,
    content: () => createReadStream(file),
  }));
  return [
    ...(await Promise.all(opened)),
    text('packed-refs', packedRefs),
    ...(shallow === '' ? [] : [text('shallow', shallow)]),
  ];
};
