import { apiError } from '../errors/api-error.ts';
import { directoryOf, githubRepository, type Location, locate } from '../repositories/location.ts';
import type { Repositories } from '../repositories/repositories.ts';
import { RepositoryError } from '../repositories/repository-error.ts';
import { openText, type SealedText, sealText } from '../secrets/sealed-text.ts';
import type { SecretService } from '../secrets/service.ts';
import { quotedPath, runStep } from './box-step.ts';
import { MountFailure, type MountPlace, mountKind } from './mount-kind.ts';
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

/** Fetches the repository to this machine, and places it. Throws `MountFailure` for what repeating does not heal. */
export const placePlannedRepository = async (
  { repositories, secrets }: CodeMountParts,
  place: MountPlace,
  plan: RepositoryPlan,
  firstStep: number,
  signal: AbortSignal,
): Promise<void> => {
  if (await continueRepository(place, firstStep, signal)) {
    return;
  }
  const { accountId } = place.box;
  const { url, username, password, ref, depth, submodules, path } = plan;
  const location =
    username === undefined || password === undefined
      ? { url }
      : { url, credential: { username, password: openText(secrets, accountId, purpose, password) } };
  try {
    const prepared = await repositories.prepare({ account: accountId, location, ref, depth, submodules }, signal);
    try {
      await placeRepository(place, { path, firstStep }, prepared.checkouts, signal);
    } finally {
      prepared.release();
    }
  } catch (error) {
    throw error instanceof RepositoryError ? new MountFailure(error.message) : error;
  }
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
    place: async (place, plan, signal) => {
      await placePlannedRepository(parts, place, plan, 0, signal);
      if (plan.install !== undefined) {
        const command = `cd -- ${quotedPath(plan.path)} && {\n${plan.install}\n}`;
        await runStep(place, { number: repositorySteps, what: 'install_command', command }, signal);
      }
    },
  });
