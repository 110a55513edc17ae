import { GitRepository } from '../../packages/server/test/repositories/git-server.ts';
import { shared } from './clients.ts';

export { gitToken } from '../../packages/server/test/repositories/git-server.ts';

const server = () => {
  const { git } = shared();
  if (git === undefined) {
    throw new Error('this group has no git server');
  }
  return git;
};

/** URL of what stands for GitHub. */
export const gitUrl = (): string => server().url;

/** A fresh repository on it, at `<owner>/<name>`; one below `private/` needs the token. */
export const makeRepository = (path: string): GitRepository => new GitRepository(server().root, path);
