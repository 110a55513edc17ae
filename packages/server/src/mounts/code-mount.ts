import { apiError } from '../errors/api-error.ts';
import type { LayerWish } from '../layers/layer-wish.ts';
import { directoryOf, githubRepository, type Location, locate } from '../repositories/location.ts';
import type { PreparedCheckouts, Repositories } from '../repositories/repositories.ts';
import { RepositoryError } from '../repositories/repository-error.ts';
import { openText, type SealedText, sealText } from '../secrets/sealed-text.ts';
import type { SecretService } from '../secrets/service.ts';
import { quotedPath, runStep } from './box-step.ts';
import { MountFailure, mountKind } from './mount-kind.ts';
import type { MountPlace } from './mount-place.ts';
import { continueRepository, placeRepository, repositorySteps } from './place-repository.ts';

/** What mounts of repositories work with. */
export interface CodeMountParts {
  readonly repositories: Repositories;
  readonly secrets: Pick<SecretService, 'seal' | 'open'>;
}

/** A repository that is to be in a box, as its row keeps it. */
export interface RepositoryPlan {
  readonly url: string;
  readonly username?: string;
  readonly password?: SealedText;
  readonly ref?: string;
  readonly depth?: number;
  readonly submodules: boolean;
  readonly path: string;
}

interface CodePlan extends RepositoryPlan {
  readonly install?: string;
}

const purpose = 'credential of a repository';

/** What is asked for, with the credential sealed. Throws `invalidRequest`. */
export const planRepository = (
  { repositories, secrets }: CodeMountParts,
  account: string,
  wish: {
    readonly url: string;
    readonly token?: string | undefined;
    readonly ref?: string | undefined;
    readonly depth?: number | undefined;
    readonly submodules?: boolean | undefined;
    readonly path?: string | undefined;
  },
): RepositoryPlan => {
  const location = locateFor(wish.url, wish.token === '' ? undefined : wish.token, repositories);
  const { credential } = location;
  return {
    url: location.url,
    ...(credential === undefined
      ? {}
      : { username: credential.username, password: sealText(secrets, account, purpose, credential.password) }),
    ...(wish.ref === undefined ? {} : { ref: wish.ref }),
    ...(wish.depth === undefined ? {} : { depth: wish.depth }),
    submodules: wish.submodules ?? false,
    path: wish.path ?? directoryOf(location.url),
  };
};

const locateFor = (url: string, token: string | undefined, repositories: Repositories): Location => {
  try {
    return locate(url, token, repositories.settings);
  } catch (error) {
    throw error instanceof RepositoryError ? apiError('invalidRequest', { problem: error.message }) : error;
  }
};

/** Fetches the repository to this machine. Release it when it is in the box. */
const prepareRepository = (
  { repositories, secrets }: CodeMountParts,
  account: string,
  { url, username, password, ref, depth, submodules }: RepositoryPlan,
  signal: AbortSignal,
): Promise<PreparedCheckouts> => {
  const location =
    username === undefined || password === undefined
      ? { url }
      : { url, credential: { username, password: openText(secrets, account, purpose, password) } };
  return repositories.prepare({ account, location, ref, depth, submodules }, signal);
};

/** What is thrown instead: a repository that cannot be had is had in no box. */
const stated = (error: unknown): unknown =>
  error instanceof RepositoryError ? new MountFailure(error.message, { recurs: true }) : error;

/** Fetches the repository to this machine, and places it. Throws `MountFailure` for what repeating does not heal. */
export const placePlannedRepository = async (
  parts: CodeMountParts,
  place: MountPlace,
  plan: RepositoryPlan,
  firstStep: number,
  signal: AbortSignal,
): Promise<void> => {
  if (await continueRepository(place, firstStep, signal)) {
    return;
  }
  try {
    const prepared = await prepareRepository(parts, place.box.accountId, plan, signal);
    try {
      await placeRepository(place, { path: plan.path, firstStep }, prepared.checkouts, signal);
    } finally {
      prepared.release();
    }
  } catch (error) {
    throw stated(error);
  }
};

/** The state of a repository never changes: its clone is good for as long as it is kept. */
const forEver = 100 * 365 * 24 * 3_600_000;

/** The clone as it is to be. The remote was asked, with the credential of this account: it may have what is there. */
const layerOf = async (
  parts: CodeMountParts,
  account: string,
  plan: CodePlan,
  signal: AbortSignal,
): Promise<LayerWish> => {
  const { checkouts, release } = await prepareRepository(parts, account, plan, signal).catch((error: unknown) => {
    throw stated(error);
  });
  const facts = checkouts.map(({ packs: _packs, ...checkout }) => checkout);
  return {
    key: ['code_mount', plan.password === undefined ? '' : account, plan.path, plan.depth ?? 0, facts],
    maximumAgeMs: forEver,
    isWhole: plan.install === undefined,
    make: (place, abort) => placeRepository(place, { path: plan.path, firstStep: 0 }, checkouts, abort),
    release,
  };
};

/** A repository with its history, on the branch, tag or commit that is asked for (API §11). */
export const codeMount = (parts: CodeMountParts) =>
  mountKind<'code_mount', CodePlan>({
    type: 'code_mount',
    plan: (
      account,
      { git_url, repo_owner = '', repo_name, token, git_ref, depth, submodules, path, install_command },
    ) => ({
      ...planRepository(parts, account, {
        url: git_url ?? githubRepository(repo_owner, repo_name ?? '', parts.repositories.settings),
        token,
        ref: git_ref,
        depth,
        submodules,
        path: path ?? repo_name,
      }),
      ...(install_command === undefined || install_command === '' ? {} : { install: install_command }),
    }),
    describe: ({ path }) => `code mount ${path}`,
    layer: (account, plan, signal) => layerOf(parts, account, plan, signal),
    place: async (place, plan, signal) => {
      if (!place.isLayered) {
        await placePlannedRepository(parts, place, plan, 0, signal);
      }
      if (plan.install !== undefined) {
        const command = `cd -- ${quotedPath(plan.path)} && {\n${plan.install}\n}`;
        await runStep(place, { number: repositorySteps, what: 'install_command', command }, signal);
      }
    },
  });
