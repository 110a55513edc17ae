import type { TestProject } from 'vitest/node';
import { type GitServer, startGitServer } from '../../packages/server/test/repositories/git-server.ts';
import { Platform } from './platform.ts';

/** A platform whose GitHub is a git server on loopback. */
const startPlatform = (git: GitServer, isolation: string | undefined): Promise<Platform> =>
  Platform.start(isolation, { BERTH_GITHUB_URL: git.url, BERTH_GIT_PRIVATE_HOSTS: git.host });

/** Starts the one platform of a group of test files and ends it, leaks checked, when all of them have run. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const git = await startGitServer();
  const platform = await startPlatform(git, project.config.env['BERTH_ISOLATION']);
  project.provide('platform', { ...platform.address, git: { url: git.url, root: git.root } });
  return async () => {
    const left = await platform.stop();
    await git.close();
    if (left.length > 0) {
      throw new Error(`left behind after the tests of ${project.name}:\n${left.join('\n')}`);
    }
  };
}
